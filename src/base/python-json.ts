/** A value as telemetry carries it: whole numbers apart from others. */
export type Value =
  | null
  | boolean
  | number
  | bigint
  | string
  | readonly Value[]
  | { readonly [key: string]: Value }

/**
 * The JSON of a value as Python's `json.dumps(value, ensure_ascii=False)` spells it. Spans are kept in this
 * spelling, because searches compare parts of it and clients get it back.
 */
export function pythonJson(value: Value): string {
  if (typeof value === 'string') return JSON.stringify(value)
  if (typeof value === 'number') return pythonFloat(value)
  if (typeof value !== 'object' || value === null) return String(value)
  if (Array.isArray(value)) return `[${(value as readonly Value[]).map(pythonJson).join(', ')}]`
  const members = Object.entries(value).map(
    ([key, each]) => `${JSON.stringify(key)}: ${pythonJson(each)}`,
  )
  return `{${members.join(', ')}}`
}

/** A floating-point number as Python writes it: always told from a whole number. */
export function pythonFloat(value: number): string {
  if (Number.isNaN(value)) return 'NaN'
  if (!Number.isFinite(value)) return value > 0 ? 'Infinity' : '-Infinity'
  if (Object.is(value, -0)) return '-0.0'
  const size = Math.abs(value)
  if (size !== 0 && (size >= 1e16 || size < 1e-4))
    return value.toExponential().replace(/e([+-])(\d)$/, 'e$10$2')
  const text = String(value)
  return text.includes('.') ? text : `${text}.0`
}

type Reviver = (key: string, value: unknown, context: { source?: string }) => unknown

/** Reads JSON, with whole numbers as `bigint` and the tokens NaN and Infinity. Undefined when it is none. */
export function parsePythonJson(text: string): Value | undefined {
  return parsed(text) ?? (/NaN|Infinity/.test(text) ? parsed(withoutTokens(text)) : undefined)
}

function parsed(text: string): Value | undefined {
  try {
    return JSON.parse(text, numbers as (key: string, value: unknown) => unknown) as Value
  } catch {
    return undefined
  }
}

const numbers: Reviver = (_, value, { source }) => {
  if (typeof value === 'string' && value.startsWith(TOKEN)) return Number(value.slice(TOKEN.length))
  return typeof value === 'number' && source !== undefined && /^-?\d+$/.test(source)
    ? BigInt(source)
    : value
}

/** What stands for a token while the parser reads; no text that people write begins so. */
const TOKEN = '\u0000'

function withoutTokens(text: string): string {
  return text.replace(/"(?:[^"\\]|\\.)*"|\bNaN\b|-?\bInfinity\b/g, (token) =>
    token.startsWith('"') ? token : `"\\u0000${token}"`,
  )
}
