/** JSON that is written as it was read, so that sixty-four bits stay whole. */
interface RawJson {
  rawJSON(text: string): unknown
  parse(text: string, reviver: Reviver): unknown
}

type Reviver = (key: string, value: unknown, context: { source?: string }) => unknown

const exact = JSON as unknown as RawJson

interface KeptContent {
  readonly trace_id: string
  readonly span_id: string
  readonly parent_span_id: string | null
  readonly name: string
  readonly start_time_unix_nano: unknown
  readonly end_time_unix_nano: unknown
  readonly status: { readonly code: string; readonly message: string }
  readonly attributes: Readonly<Record<string, string>>
  readonly events: readonly {
    readonly name: string
    readonly time_unix_nano: unknown
    readonly attributes: object
  }[]
  readonly links: readonly {
    readonly trace_id: string
    readonly span_id: string
    readonly attributes: object
  }[]
}

/** The text of a span as OpenTelemetry's message in protobuf's JSON, each value with its type. */
export function spanToWire(content: string) {
  const span = exact.parse(content, wholeNumbersAreRaw) as KeptContent
  return {
    trace_id: span.trace_id,
    span_id: span.span_id,
    ...(span.parent_span_id === null ? {} : { parent_span_id: span.parent_span_id }),
    name: span.name,
    start_time_unix_nano: span.start_time_unix_nano,
    ...(span.end_time_unix_nano === null ? {} : { end_time_unix_nano: span.end_time_unix_nano }),
    ...unlessEmpty('attributes', Object.entries(span.attributes).map(attributeToWire)),
    ...unlessEmpty(
      'events',
      span.events.map(({ name, time_unix_nano, attributes }) => ({
        time_unix_nano,
        name,
        ...unlessEmpty('attributes', typedPairs(attributes)),
      })),
    ),
    ...unlessEmpty(
      'links',
      span.links.map((link) => ({
        trace_id: base64Of(link.trace_id.replace(/^tr-/, '')),
        span_id: base64Of(link.span_id),
        ...unlessEmpty('attributes', typedPairs(link.attributes)),
      })),
    ),
    status: {
      ...(span.status.message === '' ? {} : { message: span.status.message }),
      ...(span.status.code === 'STATUS_CODE_UNSET' ? {} : { code: span.status.code }),
    },
  }
}

const wholeNumbersAreRaw: Reviver = (_, value, { source }) =>
  typeof value === 'number' && source !== undefined ? exact.rawJSON(source) : value

function attributeToWire([key, json]: [string, string]) {
  const value = typedJson(json)
  return value === undefined ? { key } : { key, value }
}

/** A JSON text as a value with its type; undefined for null. A text that is no JSON is a text. */
function typedJson(json: string): unknown {
  try {
    return typed(exact.parse(json, wholeNumbersAreRaw))
  } catch {
    return { string_value: json }
  }
}

function typedPairs(values: object): unknown[] {
  return Object.entries(values).map(([key, value]) => {
    const told = typed(value)
    return told === undefined ? { key } : { key, value: told }
  })
}

function typed(value: unknown): unknown {
  if (value === null) return undefined
  if (typeof value === 'string') return { string_value: value }
  if (typeof value === 'boolean') return { bool_value: value }
  if (Array.isArray(value))
    return {
      array_value: unlessEmpty(
        'values',
        value.map((each) => typed(each) ?? {}),
      ),
    }
  const number = (value as { rawJSON?: string }).rawJSON
  if (Object.isFrozen(value) && typeof number === 'string')
    return /^-?\d+$/.test(number) ? { int_value: value } : { double_value: value }
  return { kvlist_value: unlessEmpty('values', typedPairs(value as object)) }
}

function unlessEmpty(name: string, list: readonly unknown[]): Record<string, readonly unknown[]> {
  return list.length === 0 ? {} : { [name]: list }
}

function base64Of(hex: string): string {
  return Buffer.from(hex, 'hex').toString('base64')
}
