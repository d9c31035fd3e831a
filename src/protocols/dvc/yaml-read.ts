import {
  isAlias,
  isMap as isMapNode,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  type Document,
  type Node,
  type Pair,
} from 'yaml'
import { isList, isMap, type ParamKey, type ParamMap, type ParamValue } from '#stages'
import { plainValue } from './yaml-plain.ts'

/** A fault in a text that somebody wrote: what, and where. */
export interface TextProblem {
  readonly message: string
  readonly line?: number
}

export interface ReadYaml {
  readonly value: ParamValue
  readonly problems: readonly TextProblem[]
}

/** Reads YAML as ruamel.yaml does; never throws. With problems the value is what could be understood. */
export function readYaml(text: string): ReadYaml {
  const { document, problems } = documentOf(text)
  if (problems.length > 0) return { value: null, problems }
  const reader = readerOf(document)
  const value = document.contents === null ? null : reader.node(document.contents)
  return { value, problems: reader.problems }
}

/** The syntax tree of a YAML text, in which every scalar is still text. */
export function documentOf(text: string): { document: Document; problems: TextProblem[] } {
  const lines = new LineCounter()
  const document = parseDocument(text, {
    schema: 'failsafe',
    lineCounter: lines,
    prettyErrors: false,
    version: '1.2',
    stringKeys: false,
  })
  const problems = document.errors.map((error) => ({
    message: error.message,
    line: lines.linePos(error.pos[0]).line,
  }))
  return { document, problems }
}

/** What a node of the tree means. */
export function readerOf(document: Document): {
  node(node: Node): ParamValue
  problems: TextProblem[]
} {
  const problems: TextProblem[] = []
  // An alias gives the very list or map that its anchor named, so that sharing survives.
  const read = new Map<Node, ParamValue>()
  const open = new Set<Node>()

  const node = (each: Node | null | undefined): ParamValue => {
    if (each === null || each === undefined) return null
    const known = read.get(each)
    if (known !== undefined) return known
    if (open.has(each)) {
      problems.push({ message: 'an alias stands inside what it names' })
      return null
    }
    open.add(each)
    const value = valueOf(each)
    open.delete(each)
    read.set(each, value)
    return value
  }

  const valueOf = (each: Node): ParamValue => {
    if (isAlias(each)) {
      const target = each.resolve(document)
      if (target === undefined) {
        problems.push({ message: `the alias *${each.source} names no anchor` })
        return null
      }
      return node(target)
    }
    if (isScalar(each)) return scalarValue(each, problems)
    if (isSeq(each)) return each.items.map((item) => node(item as Node))
    if (isMapNode(each)) return mapValue(each.items as Pair<Node, Node>[])
    return null
  }

  const mapValue = (pairs: Pair<Node, Node>[]): ParamMap => {
    const own: [ParamKey, ParamValue][] = []
    const merged: [ParamKey, ParamValue][] = []
    for (const { key, value } of pairs) {
      const name = node(key)
      if (typeof name === 'object' && name !== null)
        problems.push({
          message: 'a key is a list, a map or a date; only text and numbers can be keys',
        })
      else if (name === '<<' && isScalar(key) && key.type === 'PLAIN')
        merged.push(...mergedMaps(node(value), problems).flatMap((map) => Array.from(map)))
      else own.push([name, node(value)])
    }
    return new Map([...merged, ...own])
  }

  return { node, problems }
}

type ScalarNode = { value: unknown; type?: string; tag?: string; source?: string }

function scalarValue(scalar: ScalarNode, problems: TextProblem[]): ParamValue {
  const text = typeof scalar.value === 'string' ? scalar.value : ''
  if (scalar.tag === undefined)
    return scalar.type === 'PLAIN' || scalar.type === undefined ? plainValue(text) : text
  if (scalar.tag.endsWith(':str') || scalar.tag === '!') return text
  if (/:(?:int|float|bool|null|timestamp)$/.test(scalar.tag)) return plainValue(text)
  problems.push({ message: `the tag ${scalar.tag} is not supported` })
  return text
}

/** The maps behind `<<`, the weakest first. */
function mergedMaps(value: ParamValue, problems: TextProblem[]): ParamMap[] {
  const maps = isMap(value) ? [value] : isList(value) ? value.filter(isMap).toReversed() : []
  if (maps.length === 0) problems.push({ message: '<< takes a map or a list of maps' })
  return maps
}
