import { pythonFloat } from './python.ts'
import { readsAsText } from './yaml-plain.ts'
import { isTimestamp, type ParamKey, type ParamValue, type Timestamp } from '#stages'

export type ScalarStyle = 'plain' | 'single' | 'double'

export interface Scalar {
  readonly text: string
  readonly style: ScalarStyle
  readonly multiline: boolean
}

/** How ruamel.yaml writes a scalar that has no style of its own yet. */
export function scalarOf(
  value: Exclude<ParamValue, readonly ParamValue[] | ReadonlyMap<ParamKey, ParamValue>>,
  place: 'key' | 'value',
): Scalar {
  if (typeof value === 'string') return { text: value, ...styleOf(value, place) }
  return { text: tokenOf(value, place), style: 'plain', multiline: false }
}

/** Characters after which, or before which, a `#` or `:` is an indicator. */
export const BLANKS = '\0 \t\r\n\u0085\u2028\u2029'
export const BREAKS = '\n\u0085\u2028\u2029'

function tokenOf(
  value: null | boolean | bigint | number | Timestamp,
  place: 'key' | 'value',
): string {
  if (value === null) return place === 'key' ? 'null' : ''
  if (typeof value === 'number') return yamlFloat(value)
  if (isTimestamp(value)) return value.timestamp
  return String(value)
}

function yamlFloat(value: number): string {
  if (Number.isNaN(value)) return '.nan'
  if (!Number.isFinite(value)) return value > 0 ? '.inf' : '-.inf'
  return pythonFloat(value)
}

function styleOf(text: string, place: 'key' | 'value'): { style: ScalarStyle; multiline: boolean } {
  if (text === '') return { style: 'single', multiline: false }
  const seen = look(text)
  const multiline = seen.breaks
  const plain = seen.plain && readsAsText(text)
  if (plain && !(place === 'key' && multiline)) return { style: 'plain', multiline }
  if (text.includes("'") || text.includes('\n')) return { style: 'double', multiline }
  const single = seen.single && !(place === 'key' && multiline)
  return { style: single ? 'single' : 'double', multiline }
}

/** Which styles the characters of a text allow. */
function look(text: string): { plain: boolean; single: boolean; breaks: boolean } {
  const characters = Array.from(text)
  const last = characters.length - 1
  let [indicators, special, breaks, breakThenSpace, spaceThenBreak] = [
    /^(?:---|\.\.\.)/.test(text),
    false,
    false,
    false,
    false,
  ]
  for (const [index, character] of characters.entries()) {
    const before = characters[index - 1]
    const after = characters[index + 1]
    const blankAfter = after === undefined || BLANKS.includes(after)
    if (isIndicator(character, index === 0, blankAfter, before)) indicators = true
    if (!isPrintable(character)) special = true
    if (BREAKS.includes(character)) {
      breaks = true
      if (before === ' ') spaceThenBreak = true
    }
    if (character === ' ' && before !== undefined && BREAKS.includes(before)) breakThenSpace = true
  }
  const edges = [characters[0], characters[last]]
  const bareEdges = edges.every((edge) => edge !== ' ' && !BREAKS.includes(edge ?? ' '))
  const single = !breakThenSpace && !special && !spaceThenBreak
  return { plain: single && bareEdges && !indicators && !breaks, single, breaks }
}

function isIndicator(
  character: string,
  isFirst: boolean,
  blankAfter: boolean,
  before: string | undefined,
): boolean {
  if (isFirst) {
    if ('#,[]{}&*!|>\'"%@`'.includes(character)) return true
    return '?:-'.includes(character) && blankAfter
  }
  if (character === ':') return blankAfter
  return character === '#' && before !== undefined && BLANKS.includes(before)
}

function isPrintable(character: string): boolean {
  const code = character.codePointAt(0) ?? 0
  if (code === 0x0a || (code >= 0x20 && code <= 0x7e) || code === 0x85) return true
  if (code === 0xfeff) return false
  return (code >= 0xa0 && code <= 0xd7ff) || (code >= 0xe000 && code <= 0xfffd) || code >= 0x1_0000
}
