import type { Document, Node, Pair } from 'yaml'
import { isList, isMap, type ParamKey, type ParamMap, type ParamValue } from '#stages'
import { yaml } from './yaml-library.ts'
import { plainValue } from './yaml-plain.ts'
import { readSimpleYaml } from './yaml-simple.ts'

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
  const simple = readSimpleYaml(text)
  return simple === undefined ? readAllYaml(text) : { ...simple, problems: [] }
}

/** Reads every text, at the speed of a library that keeps the place of each character. */
export function readAllYaml(text: string): ReadYaml {
  try {
    const { document, problems } = documentOf(text)
    if (problems.length > 0) return { value: null, problems }
    const reader = readerOf(document)
    const value = document.contents === null ? null : reader.node(document.contents)
    // What was understood of a text that unfolds without end must not be gone through either.
    return reader.unfolds()
      ? { value: null, problems: [ENDLESS] }
      : { value, problems: reader.problems }
  } catch (error) {
    if (error instanceof RangeError)
      return { value: null, problems: [error.message === ENDLESS.message ? ENDLESS : TOO_DEEP] }
    throw error
  }
}

/** One mistake may make an error of every line after it. */
const ERRORS_SHOWN_MAX = 20

/** A pipeline of ten thousand stages has a tenth of these. */
const VALUES_MAX = 10_000_000
/** Merging copies, so less of it is enough. */
const MERGED_MAX = 1_000_000
const ENDLESS = {
  message: `its aliases unfold to more than ${VALUES_MAX / 1e6} million values; write it without aliases of aliases`,
}
const TOO_DEEP = { message: 'its lists and maps are nested too deeply to be read' }

/** The syntax tree of a YAML text, in which every scalar is still text. */
export function documentOf(text: string): { document: Document; problems: TextProblem[] } {
  const { LineCounter, parseDocument } = yaml()
  const lines = new LineCounter()
  const document = parseDocument(text, {
    schema: 'failsafe',
    lineCounter: lines,
    prettyErrors: false,
    version: '1.2',
    stringKeys: false,
  })
  const problems = document.errors.slice(0, ERRORS_SHOWN_MAX).map((error) => ({
    message: error.message.startsWith('Maximum call stack') ? TOO_DEEP.message : error.message,
    line: lines.linePos(error.pos[0]).line,
  }))
  return { document, problems }
}

/** What a node of the tree means. */
export function readerOf(document: Document): {
  node(node: Node): ParamValue
  problems: TextProblem[]
  /** Whether aliases make it larger than anything that is read. */
  unfolds(): boolean
} {
  const { isAlias, isMap: isMapNode, isScalar, isSeq } = yaml()
  const problems: TextProblem[] = []
  const anchors = new Map<string, Node>()
  /** How many values the one that is being read stands for, aliases unfolded. */
  const sizes = new Map<Node, number>()
  let size = 0
  let mergedCount = 0
  // An alias gives the very list or map that its anchor named, so that sharing survives.
  const read = new Map<Node, ParamValue>()
  const open = new Set<Node>()

  const node = (each: Node | null | undefined): ParamValue => {
    if (each === null || each === undefined) return null
    const known = read.get(each)
    if (known !== undefined) {
      size += sizes.get(each) ?? 1
      return known
    }
    if (open.has(each)) {
      problems.push({ message: 'an alias stands inside what it names' })
      return null
    }
    open.add(each)
    if (!isAlias(each) && each.anchor !== undefined) anchors.set(each.anchor, each)
    const before = size
    size = 1
    const value = valueOf(each)
    sizes.set(each, size)
    size += before
    open.delete(each)
    read.set(each, value)
    return value
  }

  const valueOf = (each: Node): ParamValue => {
    if (isAlias(each)) {
      // The last one before it of that name; the library would look through the whole text for it.
      const target = anchors.get(each.source) ?? each.resolve(document)
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
    mergedCount += merged.length
    if (mergedCount > MERGED_MAX) throw new RangeError(ENDLESS.message)
    return new Map([...merged, ...own])
  }

  return { node, problems, unfolds: () => !(size <= VALUES_MAX) }
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
