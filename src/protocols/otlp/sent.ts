/** A span as we send it: of our own doing, so of few kinds of values. */
export interface SentSpan {
  /** 32 hex digits. */
  readonly traceId: string
  /** 16 hex digits. */
  readonly spanId: string
  readonly parentId: string | undefined
  readonly name: string
  readonly kind: 'server' | 'internal'
  /** Milliseconds since 1970, with fractions. */
  readonly startMs: number
  readonly endMs: number
  readonly attributes: Readonly<Record<string, string | number>>
  /** Why it failed. */
  readonly failure?: string | undefined
}

const KINDS = { internal: 1, server: 2 } as const

/** Spans in OTLP's JSON, as a collector takes them at `/v1/traces`. */
export function tracesJson(service: string, version: string, spans: readonly SentSpan[]): string {
  return JSON.stringify({
    resourceSpans: [
      {
        resource: {
          attributes: attributesOf({ 'service.name': service, 'service.version': version }),
        },
        scopeSpans: [{ scope: { name: service, version }, spans: spans.map(spanOf) }],
      },
    ],
  })
}

function spanOf(span: SentSpan) {
  const { traceId, spanId, parentId, name, kind, startMs, endMs, attributes, failure } = span
  return {
    traceId,
    spanId,
    ...(parentId === undefined ? {} : { parentSpanId: parentId }),
    name,
    kind: KINDS[kind],
    startTimeUnixNano: nanoseconds(startMs),
    endTimeUnixNano: nanoseconds(endMs),
    attributes: attributesOf(attributes),
    status: failure === undefined ? {} : { code: 2, message: failure },
  }
}

function attributesOf(attributes: SentSpan['attributes']) {
  return Object.entries(attributes).map(([key, value]) => ({
    key,
    value:
      typeof value === 'string'
        ? { stringValue: value }
        : Number.isInteger(value)
          ? { intValue: String(value) }
          : { doubleValue: value },
  }))
}

function nanoseconds(ms: number): string {
  return String(BigInt(Math.round(ms * 1000)) * 1000n)
}
