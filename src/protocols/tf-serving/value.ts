import { parseExactJson, type ExactJson } from '#base/exact-json'
import { textOf } from '#base/json'
import { messageOf, Problem } from '#base/problem'
import { RANK_MAX, type ColumnType, type Value } from '#inference'

export type Dictionary = Readonly<Record<string, ExactJson>>

/** Reads a body that must be a JSON object. Throws `invalid`. */
export function bodyIn(bytes: Buffer): Dictionary {
  const text = textOf(bytes)
  if (text.trim() === '') throw new Problem('invalid', 'JSON Parse error: The document is empty')
  const body = parsed(text)
  if (!isDictionary(body))
    throw new Problem(
      'invalid',
      `JSON Value: ${kindOf(body)} Is not object; send {"instances": […]}`,
    )
  return body
}

function parsed(text: string): ExactJson {
  try {
    return parseExactJson(text)
  } catch (error) {
    if (error instanceof Problem) throw error
    throw new Problem('invalid', `JSON Parse error: ${messageOf(error)}`)
  }
}

/** A value of a tensor, with `{"b64": …}` read as the text whose bytes it holds. */
export function valueIn(json: ExactJson, input: string, type?: ColumnType): Value {
  const read = (each: ExactJson, depth: number): Value => {
    if (isList(each)) {
      if (depth >= RANK_MAX)
        throw new Problem(
          'invalid',
          `input ${input} has lists within lists more than ${RANK_MAX} deep; no model takes such`,
        )
      return each.map((inner) => read(inner, depth + 1))
    }
    if (isBinary(each)) return type === 'binary' ? each.b64 : textInBase64(each.b64, input)
    if (isDictionary(each))
      throw new Problem(
        'invalid',
        `JSON Value: ${kindOf(each)} Type: Object is no value of input ${input}; send a number, a text, true, false, {"b64": "…"} or lists of them`,
      )
    return each
  }
  return read(json, 0)
}

function textInBase64(text: string, input: string): string {
  if (!/^[A-Za-z0-9+/_-]*={0,2}$/.test(text) || text.replace(/=+$/, '').length % 4 === 1)
    throw new Problem('invalid', `Unable to base64 decode a value of input ${input}`)
  try {
    return textOf(Buffer.from(text, 'base64'))
  } catch {
    throw new Problem(
      'invalid',
      `input ${input} has bytes that are no UTF-8; the models here take text, so decode pictures and the like before sending numbers`,
    )
  }
}

export function isBinary(value: ExactJson): value is { readonly b64: string } {
  return isDictionary(value) && typeof value['b64'] === 'string' && Object.keys(value).length === 1
}

export function isDictionary(value: ExactJson | undefined): value is Dictionary {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function isList(value: ExactJson | undefined): value is readonly ExactJson[] {
  return Array.isArray(value)
}

/** What an error calls a value without printing it whole. */
export function kindOf(value: ExactJson | undefined): string {
  if (isList(value)) return `a list of ${value.length}`
  if (isDictionary(value)) return `an object with ${Object.keys(value).slice(0, 8).join(', ')}`
  const text = typeof value === 'bigint' ? String(value) : JSON.stringify(value ?? null)
  return text.length > 40 ? `${text.slice(0, 40)}…` : text
}
