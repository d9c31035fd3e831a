import type { Value } from '#base/python-json'
import type { Attribute, Span, SpanEvent, SpanLink, SpanStatus } from '#traces'

/** A span as either encoding tells it; what is missing is empty. */
export interface WireSpan {
  traceId: string
  spanId: string
  parentId: string
  name: string
  startNs: bigint
  endNs: bigint
  statusCode: number
  statusMessage: string
  attributes: Attribute[]
  events: SpanEvent[]
  links: SpanLink[]
}

/** What was sent: spans that can be kept, and why others cannot. */
export interface Delivery {
  readonly spans: Span[]
  readonly rejected: string[]
}

export const emptySpan = (): WireSpan => ({
  traceId: '',
  spanId: '',
  parentId: '',
  name: '',
  startNs: 0n,
  endNs: 0n,
  statusCode: 0,
  statusMessage: '',
  attributes: [],
  events: [],
  links: [],
})

const STATUSES: readonly SpanStatus[] = ['UNSET', 'OK', 'ERROR']
const NONE = /^0*$/

/** Keeps the span, or says why it cannot be one. */
export function take(delivery: Delivery, wire: WireSpan, resource: readonly Attribute[]): void {
  const mistake = mistakeOf(wire)
  if (mistake !== undefined) {
    delivery.rejected.push(mistake)
    return
  }
  delivery.spans.push({
    traceId: wire.traceId,
    spanId: wire.spanId,
    parentId: NONE.test(wire.parentId) ? null : wire.parentId,
    name: clean(wire.name),
    startNs: wire.startNs,
    endNs: wire.endNs === 0n ? null : wire.endNs,
    status: { code: STATUSES[wire.statusCode] ?? 'UNSET', message: clean(wire.statusMessage) },
    attributes: wire.attributes,
    events: wire.events,
    links: wire.links.filter(
      ({ traceId, spanId }) => traceId.length === 32 && spanId.length === 16,
    ),
    resource,
  })
}

/** The last moment that the database's whole numbers of milliseconds and JavaScript's dates can hold. */
const TIME_NS_MAX = 8_640_000_000_000_000n * 1_000_000n

function mistakeOf({
  traceId,
  spanId,
  parentId,
  name,
  startNs,
  endNs,
}: WireSpan): string | undefined {
  const which = `the span ${JSON.stringify(name.slice(0, 100))}`
  if (traceId.length !== 32 || NONE.test(traceId)) return `${which} has no trace id of 16 bytes`
  if (spanId.length !== 16 || NONE.test(spanId)) return `${which} has no span id of 8 bytes`
  if (parentId !== '' && parentId.length !== 16) return `${which} has no parent span id of 8 bytes`
  return startNs > TIME_NS_MAX || endNs > TIME_NS_MAX
    ? `${which} is in no year that there is`
    : undefined
}

/** The text without the character that databases cannot hold. */
export function clean(text: string): string {
  return text.includes('\0') ? text.replaceAll('\0', '\uFFFD') : text
}

export function attributeOf(key: string, value: Value | undefined): Attribute {
  return { key: clean(key), value: value ?? null }
}

/** Values within values, as deep as anybody nests them; protobuf's own readers stop there too. */
export const DEPTH_MAX = 100
