import { BinaryReader, BinaryWriter } from '@bufbuild/protobuf/wire'
import type { Value } from '#base/python-json'
import type { Attribute, SpanEvent, SpanLink } from '#traces'
import { attributeOf, clean, DEPTH_MAX, emptySpan, take, type Delivery } from './span.ts'

// The few messages of opentelemetry/proto/collector/trace/v1, read field by field: no generated code stands
// between the wire and a span, and nothing is decoded that nobody keeps.

/** Reads an `ExportTraceServiceRequest`. Throws an error of any kind when the bytes are none. */
export function deliveryInProtobuf(bytes: Uint8Array): Delivery {
  const delivery: Delivery = { spans: [], rejected: [] }
  fieldsUntil(new BinaryReader(bytes), bytes.length, {
    1: (reader) => resourceSpans(reader, delivery),
  })
  return delivery
}

/** Writes an `ExportTraceServiceResponse`; empty when all was kept. */
export function answerInProtobuf(rejected: number, why: string): Uint8Array {
  const writer = new BinaryWriter()
  if (rejected > 0) {
    const partial = new BinaryWriter()
    partial.uint32(8).int64(rejected).uint32(18).string(why)
    writer.uint32(10).bytes(partial.finish())
  }
  return writer.finish()
}

type Fields = Readonly<Record<number, (reader: BinaryReader) => void>>

/** Reads the fields of a message; those that are not named are skipped. */
function fieldsUntil(reader: BinaryReader, end: number, fields: Fields): void {
  while (reader.pos < end) {
    const [number, type] = reader.tag()
    const read = fields[number]
    if (read === undefined) reader.skip(type, number)
    else read(reader)
  }
  if (reader.pos !== end) throw new RangeError('a message ends in the middle of a field')
}

function message(reader: BinaryReader, fields: Fields): void {
  const size = reader.uint32()
  const end = reader.pos + size
  if (end > reader.len) throw new RangeError('a message is longer than what holds it')
  fieldsUntil(reader, end, fields)
}

function resourceSpans(reader: BinaryReader, delivery: Delivery): void {
  const resource: Attribute[] = []
  message(reader, {
    // A resource stands before its spans; each takes the list, which is then complete.
    1: (inner) => message(inner, { 1: (pair) => resource.push(keyValue(pair, 0)) }),
    2: (scope) => message(scope, { 2: (inner) => span(inner, delivery, resource) }),
  })
}

function span(reader: BinaryReader, delivery: Delivery, resource: readonly Attribute[]): void {
  const read = emptySpan()
  message(reader, {
    1: (r) => (read.traceId = hex(r)),
    2: (r) => (read.spanId = hex(r)),
    4: (r) => (read.parentId = hex(r)),
    5: (r) => (read.name = r.string()),
    7: (r) => (read.startNs = BigInt(r.fixed64())),
    8: (r) => (read.endNs = BigInt(r.fixed64())),
    9: (r) => read.attributes.push(keyValue(r, 0)),
    11: (r) => read.events.push(event(r)),
    13: (r) => read.links.push(link(r)),
    15: (r) =>
      message(r, {
        2: (status) => (read.statusMessage = status.string()),
        3: (status) => (read.statusCode = status.int32()),
      }),
  })
  take(delivery, read, resource)
}

function event(reader: BinaryReader): SpanEvent {
  const read = { name: '', atNs: 0n, attributes: [] as Attribute[] }
  message(reader, {
    1: (r) => (read.atNs = BigInt(r.fixed64())),
    2: (r) => (read.name = clean(r.string())),
    3: (r) => read.attributes.push(keyValue(r, 0)),
  })
  return read
}

function link(reader: BinaryReader): SpanLink {
  const read = { traceId: '', spanId: '', attributes: [] as Attribute[] }
  message(reader, {
    1: (r) => (read.traceId = hex(r)),
    2: (r) => (read.spanId = hex(r)),
    4: (r) => read.attributes.push(keyValue(r, 0)),
  })
  return read
}

function keyValue(reader: BinaryReader, depth: number): Attribute {
  let key = ''
  let value: Value | undefined
  message(reader, {
    1: (r) => (key = r.string()),
    2: (r) => (value = anyValue(r, depth)),
  })
  return attributeOf(key, value)
}

function anyValue(reader: BinaryReader, depth: number): Value {
  if (depth > DEPTH_MAX) throw new RangeError('values are nested too deep')
  let value: Value = null
  message(reader, {
    1: (r) => (value = r.string()),
    2: (r) => (value = r.bool()),
    3: (r) => (value = BigInt(r.int64())),
    4: (r) => (value = r.double()),
    5: (r) => {
      const values: Value[] = []
      message(r, { 1: (inner) => values.push(anyValue(inner, depth + 1)) })
      value = values
    },
    6: (r) => {
      const pairs: Attribute[] = []
      message(r, { 1: (inner) => pairs.push(keyValue(inner, depth + 1)) })
      value = Object.fromEntries(pairs.map((pair) => [pair.key, pair.value]))
    },
    7: (r) => (value = Buffer.from(r.bytes()).toString('base64')),
  })
  return value
}

function hex(reader: BinaryReader): string {
  return Buffer.from(reader.bytes()).toString('hex')
}
