import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  type Document,
  type Node,
  type Pair,
} from 'yaml'

/** A fault in a contract: where it is, and what. */
export interface ContractProblem {
  readonly line: number
  /** `schema[0].properties[2].logicalType`; '' for the whole text. */
  readonly key: string
  readonly message: string
}

/** A value of a contract's text that knows where it stands. */
export interface Place {
  readonly key: string
  readonly line: number
  readonly value: unknown
  /** An entry of a map; undefined where there is none, or where this is no map. */
  at(name: string): Place | undefined
  /** The names of a map's entries. */
  names(): readonly string[]
  /** The items of a list; none where this is no list. */
  items(): readonly Place[]
  entry(name: string): Place
}

/** Real contracts are some hundred kilobytes at most. */
const CHARACTERS_MAX = 4 * 2 ** 20
/** As deep as anything in the standard, several times over. */
const DEPTH_MAX = 64

/** Reads a contract's text; never throws. */
export function readPlaces(text: string): {
  root: Place | undefined
  problems: ContractProblem[]
} {
  if (text.length > CHARACTERS_MAX)
    return refusedWhole('it is longer than 4 MB, which no contract is')
  const lines = new LineCounter()
  const lineOf = (offset: number) => lines.linePos(offset).line
  let document: Document
  try {
    document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true })
  } catch (error) {
    return refusedWhole(error instanceof Error ? error.message : String(error))
  }
  const problems = document.errors.map((error) => ({
    line: lineOf(error.pos[0]),
    key: '',
    message: error.message,
  }))
  if (problems.length > 0) return { root: undefined, problems }
  if (document.contents === null) return refusedWhole('it is empty')
  const refused = refusal(document.contents, lineOf)
  if (refused !== undefined) return { root: undefined, problems: [refused] }
  return { root: placeOf(document.contents, { key: '', line: 1, lineOf }), problems: [] }
}

function refusedWhole(message: string): { root: undefined; problems: ContractProblem[] } {
  return { root: undefined, problems: [{ line: 1, key: '', message }] }
}

/** Aliases can make a few lines into gigabytes, and nesting without end breaks whatever walks it: contracts need neither. */
function refusal(root: Node, lineOf: (offset: number) => number): ContractProblem | undefined {
  const open: { node: unknown; depth: number }[] = [{ node: root, depth: 0 }]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { node, depth } = next
    const line = lineOf((node as Node | null)?.range?.[0] ?? 0)
    if (isAlias(node))
      return {
        line,
        key: '',
        message: `the alias *${node.source} is not read here; write its value out`,
      }
    if (depth > DEPTH_MAX) return { line, key: '', message: 'it is nested too deeply' }
    if (isSeq(node)) for (const item of node.items) open.push({ node: item, depth: depth + 1 })
    if (isMap(node))
      for (const { key, value } of node.items)
        open.push({ node: key, depth: depth + 1 }, { node: value, depth: depth + 1 })
  }
  return undefined
}

interface At {
  readonly key: string
  readonly line: number
  readonly lineOf: (offset: number) => number
}

function placeOf(node: Node | null | undefined, { key, line, lineOf }: At): Place {
  const own = node?.range?.[0]
  const here = own === undefined ? line : lineOf(own)
  const nested = (name: string) => (key === '' ? name : `${key}.${name}`)
  const entries = new Map<string, Place>()
  if (isMap(node))
    for (const pair of node.items as Pair<Node, Node | null>[]) {
      const name = isScalar(pair.key) ? String(pair.key.value) : ''
      const at = pair.key.range?.[0]
      entries.set(
        name,
        placeOf(pair.value, {
          key: nested(name),
          line: at === undefined ? here : lineOf(at),
          lineOf,
        }),
      )
    }
  const items = isSeq(node)
    ? node.items.map((item, index) =>
        placeOf(item as Node, { key: `${key}[${index}]`, line: here, lineOf }),
      )
    : []
  return {
    key,
    line: isMap(node) || isSeq(node) ? line : here,
    value: valueOf(node),
    at: (name) => entries.get(name),
    names: () => [...entries.keys()],
    items: () => items,
    entry: (name) => entries.get(name) ?? placeOf(undefined, { key: nested(name), line, lineOf }),
  }
}

function valueOf(node: Node | null | undefined): unknown {
  if (isScalar(node)) return node.value instanceof Date ? node.source : node.value
  if (isSeq(node)) return node.items.map((item) => valueOf(item as Node))
  if (isMap(node))
    return Object.fromEntries(
      (node.items as Pair<Node, Node>[]).map(({ key, value }) => [
        isScalar(key) ? String(key.value) : '',
        valueOf(value),
      ]),
    )
  return undefined
}
