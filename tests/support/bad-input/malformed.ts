import { gzipSync } from 'node:zlib'
import { LIVE } from './world.ts'
import type { Answer, RawRequest } from './wire.ts'

// Bodies that no reader of predictions can take, in each of the protocols that the serving plane speaks.

/** A route of the plane, and a body that it would take. */
export interface PlaneRoute {
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
  /** What the caller is told, where the answer has the form of the protocol. */
  readonly told: (body: Record<string, unknown>) => unknown
  /** Bodies that are malformed in a way that only this protocol allows. */
  readonly own: readonly Malformed[]
}

interface Malformed {
  readonly what: string
  readonly body?: Buffer | string
  readonly headers?: Readonly<Record<string, string>>
}

/** Becomes more than the 64 MiB that a body may have. */
const BOMB = gzipSync(Buffer.alloc(80 * 1024 * 1024, 0x20))
const JSON_TYPE = { 'content-type': 'application/json' }
const ROW = { carrier: 'AA', hour: 9, distance: 500, id: 'a', at: '2024-01-01T00:00:00Z' }
const SPLIT = { columns: Object.keys(ROW), data: [Object.values(ROW)] }

const tensor = (name: string, datatype: string, data: unknown[]) => ({
  name,
  datatype,
  shape: [1, 1],
  data,
})
const TENSORS = [
  tensor('carrier', 'BYTES', ['AA']),
  tensor('hour', 'FP32', [9]),
  tensor('distance', 'FP32', [500]),
  tensor('id', 'INT64', [7]),
  tensor('at', 'INT64', [1_704_067_200_000]),
]

const inError = (body: Record<string, unknown>) => body['error']
const inMessage = (body: Record<string, unknown>) => body['message']
const inDetail = (body: Record<string, unknown>) => body['detail']
const inStatus = (body: Record<string, unknown>) =>
  (body['status'] as Record<string, unknown> | undefined)?.['info']
const inTorch = ({ code, type, message }: Record<string, unknown>) =>
  typeof code === 'number' && typeof type === 'string' ? message : undefined
const inScoring = ({ error_code: code, message }: Record<string, unknown>) =>
  typeof code === 'string' ? message : undefined

function route(
  path: string,
  body: unknown,
  told: PlaneRoute['told'],
  own: readonly Malformed[] = [],
): PlaneRoute {
  return { path, headers: JSON_TYPE, body: Buffer.from(JSON.stringify(body)), told, own }
}

/** Every route by which predictions are asked for, explained and told about. */
export function planeRoutes(): PlaneRoute[] {
  const byRows = { dataframe_split: SPLIT }
  const instances = { instances: [ROW] }
  const truth = { prediction: 'nothing-0', truth: 1 }
  return [
    route(`/v2/models/${LIVE}/infer`, { inputs: TENSORS }, inError, oipBodies()),
    route(`/v2/models/${LIVE}/versions/1/infer`, { inputs: TENSORS }, inError, oipBodies()),
    route(`/endpoints/${LIVE}/invocations`, byRows, inScoring, tables()),
    route(`/v1/models/${LIVE}:predict`, instances, inError, tfBodies()),
    route(`/v1/models/${LIVE}/versions/1:predict`, instances, inError),
    route(`/v1/models/${LIVE}:explain`, instances, inError),
    route(`/predictions/${LIVE}`, ROW, inTorch, multiparts()),
    route(`/explanations/${LIVE}`, ROW, inTorch),
    route(`/invocations?endpoint=${LIVE}`, byRows, inMessage, [...tables(), ...arrays()]),
    route(`/models/${LIVE}/invoke`, byRows, inMessage, tables()),
    route(`/score?endpoint=${LIVE}`, { input_data: SPLIT }, inMessage),
    route(`/v2/models/${LIVE}/feedback`, truth, inError),
    route(`/endpoints/${LIVE}/feedback`, truth, inDetail),
    route(
      `/seldon/any/${LIVE}/api/v1.0/feedback`,
      {
        response: { meta: { puid: 'nothing' } },
        truth: { data: { ndarray: [[1]] } },
      },
      inStatus,
    ),
  ]
}

/** Bodies that nobody can read, and those of the route's own protocol. */
export function malformedBodies({ headers, body, own }: PlaneRoute): {
  what: string
  request: Omit<RawRequest, 'path'>
}[] {
  const text = body.toString()
  const general: Malformed[] = [
    { what: 'empty', body: '' },
    { what: 'a space', body: ' ' },
    { what: 'cut off', body: text.slice(0, -1) },
    { what: 'cut in half', body: text.slice(0, text.length / 2) },
    { what: 'twice', body: text + text },
    { what: 'a text', body: '"text"' },
    { what: 'a number', body: '7' },
    { what: 'null', body: 'null' },
    { what: 'a list of nothing', body: '[null]' },
    { what: 'an empty object', body: '{}' },
    { what: 'not JSON', body: '{"a": NaN, }' },
    { what: 'bytes that are no text', body: Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0]) },
    { what: 'half of a letter', body: Buffer.concat([body.subarray(0, -2), Buffer.from([0xc3])]) },
    { what: 'lists without end', body: '['.repeat(100_000) },
    { what: 'objects without end', body: '{"a":'.repeat(100_000) },
    { what: 'a deep list', body: `${'['.repeat(50_000)}${']'.repeat(50_000)}` },
    { what: 'other fields', body: '{"__proto__": {"instances": [1]}, "constructor": 1}' },
    { what: 'said to be gzip', headers: { 'content-encoding': 'gzip' } },
    {
      what: 'gzip cut off',
      body: gzipSync(body).subarray(0, -9),
      headers: { 'content-encoding': 'gzip' },
    },
    { what: 'of no encoding', headers: { 'content-encoding': 'odd' } },
    {
      what: 'gzip that becomes more than anybody reads',
      body: BOMB,
      headers: { 'content-encoding': 'gzip' },
    },
  ]
  return [...general, ...own].map((each) => ({
    what: each.what,
    request: {
      method: 'POST',
      headers: { ...headers, ...each.headers },
      body: each.body ?? body,
    },
  }))
}

const binary = (what: string, length: string, head: unknown, tail: Buffer): Malformed => {
  const bytes = Buffer.from(JSON.stringify(head))
  return {
    what,
    body: Buffer.concat([bytes, tail]),
    headers: {
      'content-type': 'application/octet-stream',
      'inference-header-content-length': length === 'right' ? String(bytes.length) : length,
    },
  }
}

const sized = (size: unknown, shape: unknown = [1, 1]) => ({
  inputs: [
    { name: 'carrier', datatype: 'BYTES', shape, parameters: { binary_data_size: size } },
    ...TENSORS.slice(1),
  ],
})

function oipBodies(): Malformed[] {
  const first = (changes: object) => [{ ...TENSORS[0], ...changes }, ...TENSORS.slice(1)]
  const tail = Buffer.from([2, 0, 0, 0, 0x41, 0x41])
  return [
    json('without inputs', { inputs: [] }),
    json('of a negative shape', { inputs: first({ shape: [-1, 1] }) }),
    json('of a shape that nothing holds', { inputs: first({ shape: [2 ** 40, 2 ** 40] }) }),
    json('of a shape in fractions', { inputs: first({ shape: [1.5] }) }),
    json('of more data than its shape', { inputs: first({ data: ['AA', 'B6'] }) }),
    json('of an unknown datatype', { inputs: first({ datatype: 'FP128' }) }),
    json('of another datatype', { inputs: first({ datatype: 'FP32', data: [1] }) }),
    json('of a tensor that comes twice', { inputs: [...TENSORS, TENSORS[1]] }),
    json('of numbers beyond the type', {
      inputs: [TENSORS[0], tensor('hour', 'FP32', [1e300, 1])],
    }),
    binary('with a header that is longer', '100000', sized(6), tail),
    binary('with a header below nothing', '-1', sized(6), tail),
    binary('with a header of no length', 'NaN', sized(6), tail),
    binary('with a header that ends too early', '7', sized(6), tail),
    binary('with too few bytes', 'right', sized(60), tail),
    binary('with bytes left over', 'right', sized(6), Buffer.concat([tail, tail])),
    binary('with a size below nothing', 'right', sized(-6), tail),
    binary('with a size that is a text', 'right', sized('6'), tail),
    binary(
      'with a text that is longer than all',
      'right',
      sized(6),
      Buffer.from([255, 255, 255, 255, 65, 65]),
    ),
    binary('with a text cut off', 'right', sized(3), tail.subarray(0, 3)),
    binary('of a shape that nothing holds', 'right', sized(6, [2 ** 31, 2 ** 31]), tail),
  ]
}

const typed = (type: string) => ({ 'content-type': type })

function tables(): Malformed[] {
  return [
    {
      what: 'CSV with a quote that stays open',
      body: 'carrier,hour\n"AA,9',
      headers: typed('text/csv'),
    },
    {
      what: 'CSV of uneven rows',
      body: 'carrier,hour,distance\nAA,9\n',
      headers: typed('text/csv'),
    },
    { what: 'CSV with nothing', body: '', headers: typed('text/csv') },
    { what: 'CSV of zeros', body: Buffer.alloc(1000), headers: typed('text/csv') },
    {
      what: 'Parquet that is none',
      body: 'PAR1xxxxPAR1',
      headers: typed('application/vnd.apache.parquet'),
    },
    {
      what: 'Parquet whose footer lies outside',
      body: Buffer.concat([
        Buffer.from('PAR1'),
        Buffer.from([255, 255, 255, 127]),
        Buffer.from('PAR1'),
      ]),
      headers: typed('application/x-parquet'),
    },
    { what: 'of no type', headers: typed('application/x-odd') },
    {
      what: 'of a column twice',
      body: JSON.stringify({ dataframe_split: { columns: ['hour', 'hour'], data: [[1, 2]] } }),
    },
    {
      what: 'of uneven rows',
      body: JSON.stringify({ dataframe_split: { columns: SPLIT.columns, data: [[1]] } }),
    },
  ]
}

function arrays(): Malformed[] {
  const of = { 'content-type': 'application/x-npy' }
  return [
    { what: 'an array that is none', body: 'NUMPY', headers: of },
    {
      what: 'an array whose header never ends',
      body: Buffer.from('934e554d50590100ffff7b', 'hex'),
      headers: of,
    },
  ]
}

const json = (what: string, value: unknown): Malformed => ({ what, body: JSON.stringify(value) })

function tfBodies(): Malformed[] {
  return [
    json('of both forms', { instances: [ROW], inputs: { hour: [1] } }),
    json('of rows that differ', { instances: [ROW, { hour: 1 }] }),
    json('of no rows', { instances: [] }),
    json('of base64 that is none', { instances: [{ ...ROW, carrier: { b64: '***' } }] }),
    json('of an unknown signature', { signature_name: 7, instances: [ROW] }),
    json('of ragged lists', {
      instances: [
        [1, [2]],
        [[1], 2],
      ],
    }),
  ]
}

function multiparts(): Malformed[] {
  return [
    {
      what: 'parts without a boundary',
      body: '--a\r\n\r\n1\r\n--a--',
      headers: typed('multipart/form-data'),
    },
    {
      what: 'a part that never ends',
      body: '--a\r\ncontent-dis',
      headers: typed('multipart/form-data; boundary=a'),
    },
    { what: 'no parts', body: '--a--\r\n', headers: typed('multipart/form-data; boundary=a') },
  ]
}

/** What is wrong with the answer to a malformed body; undefined if nothing. */
export function malformedFault({ told }: PlaneRoute, answer: Answer): string | undefined {
  const { status, headers, text } = answer
  if (status < 400 || status >= 500) return `answered with ${status}: ${text.slice(0, 200)}`
  if (headers['x-request-id'] === undefined) return 'no x-request-id'
  const message = status === 415 ? text : messageIn(told, text)
  if (typeof message !== 'string' || message.trim() === '')
    return `${status} has not the form of the protocol: ${text.slice(0, 200)}`
  if (/\bat .*\.[jt]s:\d+/.test(message)) return `it shows a stack: ${message.slice(0, 200)}`
  return message.length > 10_000 ? `its message has ${message.length} characters` : undefined
}

function messageIn(told: PlaneRoute['told'], text: string): unknown {
  try {
    return told(JSON.parse(text) as Record<string, unknown>)
  } catch {
    return undefined
  }
}
