import { parseExactJson, type ExactJson } from '#base/exact-json'
import type { Value } from '#base/python-json'
import type { Attribute } from '#traces'
import { attributeOf, clean, DEPTH_MAX, emptySpan, take, type Delivery } from './span.ts'

/** Reads OTLP's JSON, in which identifiers are hex. Throws an error of any kind when the text is none. */
export function deliveryInJson(text: string): Delivery {
  const delivery: Delivery = { spans: [], rejected: [] }
  for (const resourceSpans of listIn(objectIn(parseExactJson(text)), 'resourceSpans')) {
    const resource = attributesIn(objectIn(field(resourceSpans, 'resource') ?? {}))
    for (const scopeSpans of listIn(resourceSpans, 'scopeSpans'))
      for (const span of listIn(scopeSpans, 'spans')) spanIn(span, delivery, resource)
  }
  return delivery
}

interface JsonObject {
  readonly [key: string]: ExactJson
}

function spanIn(span: JsonObject, delivery: Delivery, resource: readonly Attribute[]): void {
  const status = objectIn(field(span, 'status') ?? {})
  const read = emptySpan()
  take(
    delivery,
    {
      ...read,
      traceId: textIn(span, 'traceId').toLowerCase(),
      spanId: textIn(span, 'spanId').toLowerCase(),
      parentId: textIn(span, 'parentSpanId').toLowerCase(),
      name: textIn(span, 'name'),
      startNs: wholeIn(span, 'startTimeUnixNano'),
      endNs: wholeIn(span, 'endTimeUnixNano'),
      statusCode: codeIn(field(status, 'code')),
      statusMessage: textIn(status, 'message'),
      attributes: attributesIn(span),
      events: listIn(span, 'events').map((event) => ({
        name: clean(textIn(event, 'name')),
        atNs: wholeIn(event, 'timeUnixNano'),
        attributes: attributesIn(event),
      })),
      links: listIn(span, 'links').map((link) => ({
        traceId: textIn(link, 'traceId').toLowerCase(),
        spanId: textIn(link, 'spanId').toLowerCase(),
        attributes: attributesIn(link),
      })),
    },
    resource,
  )
}

const CODES = ['STATUS_CODE_UNSET', 'STATUS_CODE_OK', 'STATUS_CODE_ERROR']

function codeIn(code: ExactJson | undefined): number {
  if (typeof code === 'number') return code
  return typeof code === 'string' ? Math.max(0, CODES.indexOf(code)) : 0
}

function attributesIn(owner: JsonObject, depth = 0, name = 'attributes'): Attribute[] {
  return listIn(owner, name).map((pair) =>
    attributeOf(textIn(pair, 'key'), anyValueIn(objectIn(field(pair, 'value') ?? {}), depth)),
  )
}

function anyValueIn(value: JsonObject, depth: number): Value {
  if (depth > DEPTH_MAX) throw new RangeError('values are nested too deep')
  const [kind, given] = KINDS.flatMap((name): [string, ExactJson][] => {
    const found = field(value, name)
    return found === undefined ? [] : [[name, found]]
  })[0] ?? ['none', null]
  switch (kind) {
    case 'intValue':
      return whole(given)
    case 'doubleValue':
      return Number(given)
    case 'boolValue':
      return given === true || given === 'true'
    case 'arrayValue':
      return listIn(objectIn(given), 'values').map((each) => anyValueIn(each, depth + 1))
    case 'kvlistValue':
      return Object.fromEntries(
        attributesIn(objectIn(given), depth + 1, 'values').map(({ key, value: each }) => [
          key,
          each,
        ]),
      )
    case 'none':
      return null
    default:
      if (typeof given !== 'string') throw new TypeError('a text is missing')
      return given
  }
}

const KINDS = [
  'stringValue',
  'intValue',
  'doubleValue',
  'boolValue',
  'arrayValue',
  'kvlistValue',
  'bytesValue',
]

/** A field by its name in camelCase or in snake_case; null is none. */
function field(object: JsonObject, name: string): ExactJson | undefined {
  const snake = name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
  return (
    (Object.hasOwn(object, name) ? object[name] : undefined) ??
    (Object.hasOwn(object, snake) ? object[snake] : undefined) ??
    undefined
  )
}

function listIn(object: JsonObject, name: string): JsonObject[] {
  const list = field(object, name) ?? []
  if (!Array.isArray(list)) throw new TypeError(`${name} is no list`)
  return (list as readonly ExactJson[]).map(objectIn)
}

function objectIn(value: ExactJson): JsonObject {
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return value as JsonObject
  throw new TypeError('an object is missing')
}

function textIn(object: JsonObject, name: string): string {
  const text = field(object, name) ?? ''
  if (typeof text !== 'string') throw new TypeError(`${name} is no text`)
  return text
}

function wholeIn(object: JsonObject, name: string): bigint {
  return whole(field(object, name) ?? 0)
}

/** A whole number, as a number or as a text. Throws for anything else. */
function whole(value: ExactJson): bigint {
  if (typeof value === 'bigint') return value
  return BigInt(value as string | number)
}
