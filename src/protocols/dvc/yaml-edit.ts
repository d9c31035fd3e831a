import type { Node, Pair, YAMLMap } from 'yaml'
import type { ParamKey, ParamValue } from '#stages'
import { yaml } from './yaml-library.ts'
import { documentOf, readerOf } from './yaml-read.ts'
import { printYaml } from './yaml-write.ts'

/**
 * Changes one entry of a YAML text and leaves every other byte, so that comments, quotes and the
 * order of keys survive. `undefined` as value removes the entry. Gives undefined where the text is
 * not in block style; it has to be printed anew then.
 */
export function setInYaml(
  text: string,
  path: readonly ParamKey[],
  value: ParamValue | undefined,
): string | undefined {
  const { document, problems } = documentOf(text)
  if (problems.length > 0 || document.contents === null) return undefined
  const reader = readerOf(document)
  const parent = nodeAt(document.contents, path.slice(0, -1), reader.node)
  if (parent === undefined || !isBlockMap(parent)) return undefined
  const key = path.at(-1) ?? null
  const pairs = parent.items as Pair<Node, Node>[]
  const index = pairs.findIndex((pair) => reader.node(pair.key) === key)
  if (value === undefined) return index < 0 ? text : without(text, pairs, index)
  const first = pairs[0]
  if (first === undefined) return undefined
  const indent = columnOf(text, startOf(first))
  const printed = printYaml(new Map([[key, value]]), { indent })
    .trimEnd()
    .slice(indent)
  const pair = pairs[index]
  if (pair !== undefined)
    return text.slice(0, startOf(pair)) + printed + text.slice(endOf(pair, text))
  const last = endOf(pairs.at(-1) ?? first, text)
  const lineEnd = text.indexOf('\n', last)
  const at = lineEnd < 0 ? text.length : lineEnd
  return `${text.slice(0, at)}\n${' '.repeat(indent)}${printed}${text.slice(at)}${lineEnd < 0 ? '\n' : ''}`
}

/** Without that entry of a map in block style, and the lines that it takes; comments of its neighbours stay. */
export function withoutEntry(text: string, path: readonly ParamKey[]): string | undefined {
  const { document, problems } = documentOf(text)
  if (problems.length > 0 || document.contents === null) return undefined
  const reader = readerOf(document)
  const parent = nodeAt(document.contents, path.slice(0, -1), reader.node)
  if (parent === undefined || !isBlockMap(parent) || parent.items.length < 2) return undefined
  const pairs = parent.items as Pair<Node, Node>[]
  const pair = pairs.find((each) => reader.node(each.key) === path.at(-1))
  if (pair === undefined) return undefined
  const start = text.lastIndexOf('\n', startOf(pair)) + 1
  const lineEnd = text.indexOf('\n', endOf(pair, text))
  return text.slice(0, start) + (lineEnd < 0 ? '' : text.slice(lineEnd + 1))
}

function nodeAt(
  root: Node,
  path: readonly ParamKey[],
  read: (node: Node) => ParamValue,
): Node | undefined {
  const { isMap: isMapNode, isSeq } = yaml()
  let node: Node | undefined = root
  for (const step of path) {
    if (node !== undefined && isMapNode(node)) {
      const pairs = node.items as Pair<Node, Node>[]
      node = pairs.find((pair) => read(pair.key) === step)?.value ?? undefined
    } else if (node !== undefined && isSeq(node) && typeof step === 'number')
      node = node.items[step] as Node | undefined
    else return undefined
  }
  return node
}

function isBlockMap(node: Node): node is YAMLMap {
  return yaml().isMap(node) && node.flow !== true && node.items.length > 0
}

function without(text: string, pairs: Pair<Node, Node>[], index: number): string | undefined {
  const pair = pairs[index]
  const next = pairs[index + 1]
  // Removing the only entry would leave an empty value where a map was.
  if (pair === undefined || pairs.length === 1) return undefined
  if (next !== undefined) return text.slice(0, startOf(pair)) + text.slice(startOf(next))
  const start = text.lastIndexOf('\n', startOf(pair)) + 1
  const lineEnd = text.indexOf('\n', endOf(pair, text))
  return text.slice(0, start) + (lineEnd < 0 ? '' : text.slice(lineEnd + 1))
}

function startOf(pair: Pair<Node, Node>): number {
  return pair.key.range?.[0] ?? 0
}

function endOf(pair: Pair<Node, Node>, text: string): number {
  let end = nodeEnd(pair.value) ?? pair.key.range?.[1] ?? 0
  while (text[end - 1] === '\n') end -= 1
  return end
}

function nodeEnd(node: Node | null | undefined): number | undefined {
  if (node === null || node === undefined) return undefined
  const { isCollection, isPair, isScalar } = yaml()
  if (isScalar(node) || !isCollection(node) || node.flow === true) return node.range?.[1]
  const last = node.items.at(-1) as Node | Pair<Node, Node> | undefined
  if (last === undefined) return node.range?.[1]
  return isPair(last) ? (nodeEnd(last.value) ?? last.key.range?.[1]) : nodeEnd(last)
}

function columnOf(text: string, offset: number): number {
  return offset - (text.lastIndexOf('\n', offset - 1) + 1)
}
