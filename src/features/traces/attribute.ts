import type { Value } from '#base/python-json'

export interface Attribute {
  readonly key: string
  readonly value: Value
}

export interface SpanEvent {
  readonly name: string
  readonly atNs: bigint
  readonly attributes: readonly Attribute[]
}
