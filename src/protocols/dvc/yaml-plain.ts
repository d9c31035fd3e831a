import type { ParamValue } from '#stages'

/**
 * What a plain scalar means to ruamel.yaml, which reads YAML 1.2 in its own way: `017` is 17, `1_000`
 * a number, `yes` and `1:30` are text. Text that would read as something else is written in quotes.
 */
export function plainValue(source: string): ParamValue {
  const first = source[0]
  if (first === undefined) return null
  if (NULLS.has(source)) return null
  if (BOOLEANS.has(source)) return source.toLowerCase() === 'true'
  if (!'-+0123456789.'.includes(first)) return source
  if (FLOAT.test(source)) return floatOf(source)
  if (INT.test(source)) return intOf(source) ?? source
  if (TIMESTAMP.test(source)) return { timestamp: source }
  return source
}

/** Whether the text, written plain, would be read back as this very text. */
export function readsAsText(text: string): boolean {
  if (text === '=' || text === '<<') return false
  // `-_` reads as text here, but ruamel takes it for a number and would stumble over it.
  return typeof plainValue(text) === 'string' && !/^[-+]_+$/.test(text)
}

const NULLS = new Set(['~', 'null', 'Null', 'NULL'])
const BOOLEANS = new Set(['true', 'True', 'TRUE', 'false', 'False', 'FALSE'])
const FLOAT =
  /^(?:[-+]?\d[\d_]*\.[\d_]*(?:[eE][-+]?\d+)?|[-+]?\d[\d_]*[eE][-+]?\d+|[-+]?\.[\d_]+(?:[eE][-+]\d+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$/
const INT = /^(?:[-+]?0b[01_]+|[-+]?0o?[0-7_]+|[-+]?[\d_]+|[-+]?0x[\da-fA-F_]+)$/
const TIMESTAMP =
  /^(?:\d{4}-\d\d-\d\d|\d{4}-\d\d?-\d\d?(?:[Tt]|[ \t]+)\d\d?:\d\d:\d\d(?:\.\d*)?(?:[ \t]*(?:Z|[-+]\d\d?(?::\d\d)?))?)$/

function floatOf(source: string): number {
  const text = source.replaceAll('_', '').toLowerCase()
  if (text.endsWith('.inf')) return text.startsWith('-') ? -Infinity : Infinity
  if (text === '.nan') return Number.NaN
  return Number(text)
}

function intOf(source: string): bigint | undefined {
  const text = source.replaceAll('_', '')
  const negative = text.startsWith('-')
  const digits = text.replace(/^[-+]/, '')
  if (digits === '') return undefined
  // BigInt knows the prefixes 0b, 0o and 0x, and takes other leading zeros as decimal, as ruamel does.
  const value = BigInt(digits)
  return negative ? -value : value
}
