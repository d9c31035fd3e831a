import { connect as connectSocket } from 'node:net'
import {
  connect,
  constants,
  type ClientHttp2Session,
  type IncomingHttpHeaders,
  type IncomingHttpStatusHeader,
} from 'node:http2'
import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { PlaneProcess } from '#app/plane/supervise'
import { openPlaneProcess, tableOf } from '../support/plane-process.ts'

// What no client library would send, at the port of gRPC.

const READY = '/inference.GRPCInferenceService/ServerReady'
const INFER = '/inference.GRPCInferenceService/ModelInfer'
const ROUNDS = 5
const OK = '0'
const CODES = { invalid: '3', exhausted: '8', unimplemented: '12', unavailable: '14' } as const

let plane: PlaneProcess
let port: number
let grpcPort: number

beforeAll(async () => {
  plane = await openPlaneProcess({ bodyBytesMax: 1024 * 1024, servingInflightBytes: 1_500_000 })
  await plane.tell(await tableOf('loop'))
  const quota = { perSecond: 0.001, burst: 1 }
  const settings = { keep: 'on-demand', unloaded: false, quota } as const
  await plane.tell(await tableOf('scarce', { file: 'loop', settings }))
  await plane.complete()
  ;({ port, grpcPort } = await plane.addresses())
})
afterAll(() => plane.stop())

test('frames that are no messages are refused, each with its status, and the next call is answered', async () => {
  const statuses: Record<string, string> = {}
  for (const [name, bytes] of Object.entries(FRAMES)) {
    statuses[name] = await statusOf(INFER, bytes)
    expect([name, await statusOf(READY, frame(Buffer.alloc(0)))]).toEqual([name, OK])
  }
  expect(statuses).toMatchObject({
    'a field that is cut off': CODES.invalid,
    'wire type 7': CODES.invalid,
    'longer than is taken': CODES.exhausted,
    'four gigabytes, it says': CODES.exhausted,
  })
  // For the others gRPC leaves open which of these it is: never success, a fault of ours, or silence.
  const refusals = new Set(['3', '5', '8', '12', '13'])
  expect(Object.entries(statuses).filter(([, status]) => !refusals.has(status))).toEqual([])
})

test('a path that is none, another type and another method are refused', async () => {
  const body = frame(Buffer.alloc(0))
  expect(await statusOf('/inference.GRPCInferenceService/Nothing', body)).toBe(CODES.unimplemented)
  expect(await statusOf('/', body)).toBe(CODES.unimplemented)
  expect(await statusOf(READY, body, { 'content-type': 'text/plain' })).toBe('HTTP 415')
  expect(await statusOf(READY, body)).toBe(OK)
})

test('bytes that are no HTTP/2, and callers that leave in the middle, harm nobody', async () => {
  for (const bytes of [Buffer.from('GET / HTTP/1.1\r\n\r\n'), Buffer.alloc(4096, 0xff)])
    await sendRaw(bytes)
  const session = await opened()
  const calls = Array.from({ length: 50 }, () => {
    const call = session.request(headersFor(INFER))
    call.on('error', () => undefined)
    call.write(Buffer.from([0, 0, 0, 0, 200, 1, 2]))
    return call
  })
  for (const call of calls) call.close(constants.NGHTTP2_CANCEL)
  session.destroy()
  expect(await statusOf(READY, frame(Buffer.alloc(0)))).toBe(OK)
})

test('whoever asks too often is told so over gRPC', async () => {
  const request = frame(inferRequest('scarce'))
  expect(await statusOf(INFER, request)).toBe(OK)
  expect(await statusOf(INFER, request)).toBe(CODES.exhausted)
})

test('messages share the room for bodies with what comes over HTTP', async () => {
  const half = connectSocket(port, '127.0.0.1')
  half.write(
    'POST /v2/models/loop/infer HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 1000000\r\n\r\n{',
  )
  const large = frame(unknownField(900_000))
  await expect.poll(() => statusOf(READY, large)).toBe(CODES.unavailable)
  expect(await statusOf(READY, frame(Buffer.alloc(0)))).toBe(OK)
  half.destroy()
  await expect.poll(() => statusOf(READY, large)).toBe(OK)
})

test('thousands of broken calls leave the memory of the plane as it was', async () => {
  const session = await opened()
  const wave = async () => {
    for (let round = 0; round < 20; round++)
      await Promise.all(
        Object.values(FRAMES)
          .flatMap((bytes) => (bytes.length < 4096 ? [bytes, bytes] : []))
          .map((bytes) => statusIn(session, INFER, bytes)),
      )
  }
  for (let warm = 0; warm < 3; warm++) await wave()
  const before = await residentMib()
  for (let more = 0; more < 6; more++) await wave()
  session.close()
  expect((await residentMib()) - before).toBeLessThan(40)
}, 60_000)

function frame(message: Buffer): Buffer {
  const prefix = Buffer.alloc(5)
  prefix.writeUInt32BE(message.length, 1)
  return Buffer.concat([prefix, message])
}

/** A field of bytes or text. */
function field(number: number, value: Buffer | string): Buffer {
  const bytes = Buffer.from(value)
  return Buffer.concat([Buffer.from([(number << 3) | 2, bytes.length]), bytes])
}

/** A field that no message has, which readers pass over. */
function unknownField(length: number): Buffer {
  const head = [(15 << 3) | 2, (length & 127) | 128, ((length >> 7) & 127) | 128, length >> 14]
  return Buffer.concat([Buffer.from(head), Buffer.alloc(length)])
}

/** `rounds`, one whole number, in the contents of a ModelInferRequest. */
function inferRequest(model: string): Buffer {
  const shape = Buffer.from([(3 << 3) | 2, 2, 1, 1])
  const contents = field(5, Buffer.from([(3 << 3) | 2, 1, ROUNDS]))
  const input = Buffer.concat([field(1, 'rounds'), field(2, 'INT64'), shape, contents])
  return Buffer.concat([field(1, model), field(5, input)])
}

const FRAMES: Readonly<Record<string, Buffer>> = {
  'a field that is cut off': frame(inferRequest('loop').subarray(0, -3)),
  'text that is not UTF-8': frame(field(1, Buffer.from([0xff, 0xfe]))),
  'wire type 7': frame(Buffer.from([(1 << 3) | 7, 1, 2, 3])),
  'compressed without saying how': Buffer.concat([Buffer.from([1, 0, 0, 0, 1]), Buffer.from([7])]),
  'longer than is taken': frame(Buffer.alloc(1024 * 1024 + 1)),
  'four gigabytes, it says': Buffer.from([0, 0xff, 0xff, 0xff, 0xff, 1, 2]),
  'less than it says': Buffer.from([0, 0, 0, 0, 200, 1, 2]),
  'half a prefix': Buffer.from([0, 0, 0]),
  'nothing at all': Buffer.alloc(0),
  'two messages': Buffer.concat([frame(inferRequest('loop')), frame(inferRequest('loop'))]),
}

function headersFor(path: string): Record<string, string> {
  return { ':method': 'POST', ':path': path, 'content-type': 'application/grpc', te: 'trailers' }
}

function opened(): Promise<ClientHttp2Session> {
  const session = connect(`http://127.0.0.1:${grpcPort}`)
  session.on('error', () => undefined)
  return new Promise((resolve) => session.once('connect', () => resolve(session)))
}

/** The status of one call on a connection of its own. */
async function statusOf(
  path: string,
  body: Buffer,
  headers: Readonly<Record<string, string>> = {},
): Promise<string> {
  const session = await opened()
  try {
    return await statusIn(session, path, body, headers)
  } finally {
    session.destroy()
  }
}

/** A gRPC status, `HTTP n` where it is refused before, or `reset`. Never nothing: a call that hangs fails the test. */
function statusIn(
  session: ClientHttp2Session,
  path: string,
  body: Buffer,
  headers: Readonly<Record<string, string>> = {},
): Promise<string> {
  const call = session.request({ ...headersFor(path), ...headers })
  const { promise, resolve } = Promise.withResolvers<string>()
  const take = (told: IncomingHttpHeaders & IncomingHttpStatusHeader) => {
    if (typeof told['grpc-status'] === 'string') resolve(told['grpc-status'])
    else if (told[':status'] !== undefined && told[':status'] !== 200)
      resolve(`HTTP ${told[':status']}`)
  }
  call.on('response', take)
  call.on('trailers', take)
  call.on('error', () => resolve('reset'))
  call.on('close', () => resolve('reset'))
  call.setTimeout(5000, () => resolve('nothing'))
  call.resume()
  call.end(body)
  return promise
}

function sendRaw(bytes: Buffer): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const socket = connectSocket(grpcPort, '127.0.0.1')
  socket.on('error', () => undefined)
  socket.on('close', () => resolve())
  socket.on('data', () => socket.end())
  socket.setTimeout(1000, () => socket.destroy())
  socket.write(bytes)
  return promise
}

async function residentMib(): Promise<number> {
  const status = await readFile(`/proc/${plane.pid()}/status`, 'utf8')
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024
}
