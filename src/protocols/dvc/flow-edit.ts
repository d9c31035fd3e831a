import type { Node, Pair } from 'yaml'
import type { ParamEdit, ParamValue } from '#stages'
import { yaml } from './yaml-library.ts'
import { documentOf, readerOf } from './yaml-read.ts'

/**
 * Changes one value in JSON, or inside `{…}` and `[…]` of YAML, and leaves every other byte. Gives undefined where
 * it does not see how.
 */
export function setInFlow(
  text: string,
  { path, value }: ParamEdit,
  print: (value: ParamValue) => string,
): string | undefined {
  const { document, problems } = documentOf(text)
  if (problems.length > 0 || document.contents === null) return undefined
  const { node: read } = readerOf(document)
  let parent: Node = document.contents
  for (const step of path.slice(0, -1)) {
    const child = childOf(parent, step, read)
    if (child === undefined) return undefined
    parent = child
  }
  const last = path.at(-1) ?? ''
  const old = childOf(parent, last, read)
  if (value === undefined) return removed(text, parent, { step: last, read })
  if (old === undefined) return added(text, parent, { key: String(last), value, print })
  const [from, to] = old.range ?? []
  if (from === undefined || to === undefined) return undefined
  const written = text.slice(from, to)
  const rest = /\s*$/.exec(written)?.[0] ?? ''
  return text.slice(0, from) + print(value) + rest + text.slice(to)
}

type Read = (node: Node) => ParamValue

function childOf(node: Node, step: string | number, read: Read): Node | undefined {
  if (yaml().isSeq(node)) return node.items[Number(step)] as Node | undefined
  return pairOf(node, step, read)?.value ?? undefined
}

function pairOf(node: Node, step: string | number, read: Read): Pair<Node, Node> | undefined {
  if (!yaml().isMap(node)) return undefined
  return (node.items as Pair<Node, Node>[]).find(
    (pair) => scalarText(read(pair.key)) === String(step),
  )
}

function added(
  text: string,
  parent: Node,
  what: { key: string; value: ParamValue; print: (value: ParamValue) => string },
): string | undefined {
  const { key, value, print } = what
  if (!yaml().isMap(parent) || parent.flow !== true) return undefined
  const entry = `${print(key)}: ${print(value)}`
  const [from = 0, end = 0] = parent.range ?? []
  const pairs = parent.items as Pair<Node, Node>[]
  const last = pairs.at(-1)
  if (last === undefined)
    return `${text.slice(0, from + 1)}${entry}${text.slice(text.lastIndexOf('}', end))}`
  const { to } = spanOf(last.key, last.value)
  const lead = pairs.length === 1 ? firstLead(text, last) : separatorBefore(text, pairs)
  return `${text.slice(0, to)},${lead === '' ? ' ' : lead}${entry}${text.slice(to)}`
}

/** What stands before an only entry, if that is a new line. */
function firstLead(text: string, pair: Pair<Node, Node>): string {
  const lead = /\s*$/.exec(text.slice(0, pair.key.range?.[0] ?? 0))?.[0] ?? ''
  return lead.includes('\n') ? lead : ''
}

/** The blanks that stand before the last entry. */
function separatorBefore(text: string, pairs: readonly Pair<Node, Node>[]): string {
  const start = pairs.at(-1)?.key.range?.[0] ?? 0
  return /\s*$/.exec(text.slice(0, start))?.[0] ?? ''
}

function removed(
  text: string,
  parent: Node,
  { step, read }: { step: string | number; read: Read },
): string | undefined {
  if (yaml().isMap(parent) && parent.flow !== true) return undefined
  const spans = yaml().isSeq(parent)
    ? (parent.items as Node[]).map((item) => spanOf(item))
    : yaml().isMap(parent)
      ? (parent.items as Pair<Node, Node>[]).map((pair) => spanOf(pair.key, pair.value))
      : []
  const pair = pairOf(parent, step, read)
  const at = yaml().isSeq(parent)
    ? Number(step)
    : ((yaml().isMap(parent) ? parent.items : []) as Pair<Node, Node>[]).findIndex(
        (each) => each === pair,
      )
  const [here, before, after] = [spans[at], spans[at - 1], spans[at + 1]]
  if (here === undefined) return undefined
  if (after !== undefined) return text.slice(0, here.from) + text.slice(after.from)
  return text.slice(0, before?.to ?? here.from) + text.slice(here.to)
}

function spanOf(key: Node, value?: Node | null): { from: number; to: number } {
  const last = value ?? key
  return { from: key.range?.[0] ?? 0, to: last.range?.[1] ?? 0 }
}

function scalarText(value: ParamValue): string {
  return typeof value === 'object' ? '' : String(value)
}
