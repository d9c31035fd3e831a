import { connect, type Socket } from 'node:net'
import type { Asked } from './asked.ts'

// Frames of HTTP/2 (RFC 9113) by hand, as the load over HTTP/1.1 is: Node's client costs more than most servers do, and
// what asks has the same two cores as what answers.

const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
const [DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION] = [
  0, 1, 3, 4, 6, 7, 8, 9,
] as const
const END_STREAM = 0x1
const ACK = 0x1
const END_HEADERS = 0x4
const HEAD_BYTES = 9
const FRAME_BYTES_MAX = 16_384
const WINDOW_MAX = 2 ** 31 - 1
/** What both sides may send before anybody has said more. */
const WINDOW = 65_535

/** Asks over one connection with so many calls open at a time, as clients of gRPC do. */
export function askOverGrpc(
  { url, bodies, callers }: Asked,
  { isOver, note }: { isOver: () => boolean; note: (tookMs: number) => void },
): Promise<void> {
  const { hostname, port, host } = new URL(url)
  const headers = headersFor(host)
  return new Promise((resolve, reject) => {
    const socket = connect({ host: hostname, port: Number(port), noDelay: true })
    const sentMs = new Map<number, number>()
    let asked = 0
    const ask = () => {
      const stream = asked * 2 + 1
      sentMs.set(stream, performance.now())
      const body = bodies[asked++ % bodies.length] as Buffer
      connection.send(frame(HEADERS, END_HEADERS, stream, headers), body, stream)
    }
    const end = (error?: Error) => {
      socket.destroy()
      if (error === undefined) resolve()
      else reject(error)
    }
    const connection = connectionOver(socket, {
      onEnd: (stream, isAnswered) => {
        const began = sentMs.get(stream)
        if (began === undefined || !isAnswered) return end(new Error(`gRPC failed at ${url}`))
        sentMs.delete(stream)
        note(performance.now() - began)
        if (!isOver()) ask()
        else if (sentMs.size === 0) end()
      },
      onError: end,
    })
    socket.once('connect', () => {
      for (let caller = 0; caller < callers; caller++) ask()
    })
    socket.once('error', end)
    socket.once('close', () => end(new Error(`${url} closed the connection`)))
  })
}

interface Heard {
  onEnd(stream: number, isAnswered: boolean): void
  onError(error: Error): void
}

function connectionOver(socket: Socket, { onEnd, onError }: Heard) {
  let room = WINDOW
  let received: Buffer = Buffer.alloc(0)
  let taken = 0
  const waiting: { head: Buffer; body: Buffer; stream: number }[] = []
  const flush = () => {
    socket.cork()
    for (let [next] = waiting; next !== undefined && next.body.length <= room; [next] = waiting) {
      waiting.shift()
      room -= next.body.length
      socket.write(next.head)
      for (const piece of dataFrames(next.body, next.stream)) socket.write(piece)
    }
    socket.uncork()
  }
  const onFrame = (type: number, flags: number, stream: number, payload: Buffer) => {
    if (type === SETTINGS && (flags & ACK) === 0) socket.write(frame(SETTINGS, ACK, 0))
    else if (type === PING && (flags & ACK) === 0) socket.write(frame(PING, ACK, 0, payload))
    else if (type === GOAWAY || type === RST_STREAM || type === CONTINUATION)
      onError(new Error(`gRPC sent a frame of type ${type}`))
    else if (type === WINDOW_UPDATE && stream === 0) {
      room += payload.readUInt32BE()
      flush()
    } else if (type === DATA) {
      taken += payload.length
      if (taken < WINDOW_MAX / 2) return
      socket.write(windowUpdate(taken))
      taken = 0
    } else if (type === HEADERS && (flags & END_STREAM) !== 0) onEnd(stream, isOk(payload))
  }
  socket.on('data', (chunk: Buffer) => {
    received = received.length === 0 ? chunk : Buffer.concat([received, chunk])
    let at = 0
    while (received.length - at >= HEAD_BYTES) {
      const end = at + HEAD_BYTES + received.readUIntBE(at, 3)
      if (received.length < end) break
      const stream = received.readUInt32BE(at + 5) & WINDOW_MAX
      const payload = received.subarray(at + HEAD_BYTES, end)
      onFrame(received[at + 3] ?? 0, received[at + 4] ?? 0, stream, payload)
      at = end
    }
    received = received.subarray(at)
  })
  socket.write(Buffer.concat([PREFACE, settings(), windowUpdate(WINDOW_MAX - WINDOW)]))
  return {
    send: (head: Buffer, body: Buffer, stream: number) => {
      waiting.push({ head, body, stream })
      flush()
    },
  }
}

function frame(
  type: number,
  flags: number,
  stream: number,
  payload: Buffer = Buffer.alloc(0),
): Buffer {
  return Buffer.concat([headOf(type, flags, stream, payload.length), payload])
}

function headOf(type: number, flags: number, stream: number, length: number): Buffer {
  const head = Buffer.allocUnsafe(HEAD_BYTES)
  head.writeUIntBE(length, 0, 3)
  head[3] = type
  head[4] = flags
  head.writeUInt32BE(stream, 5)
  return head
}

/** In pieces: a body is not copied for its frames. */
function dataFrames(body: Buffer, stream: number): Buffer[] {
  const count = Math.max(1, Math.ceil(body.length / FRAME_BYTES_MAX))
  return Array.from({ length: count }, (_, at) => {
    const part = body.subarray(at * FRAME_BYTES_MAX, (at + 1) * FRAME_BYTES_MAX)
    return [headOf(DATA, at === count - 1 ? END_STREAM : 0, stream, part.length), part]
  }).flat()
}

function windowUpdate(bytes: number): Buffer {
  const payload = Buffer.alloc(4)
  payload.writeUInt32BE(bytes)
  return frame(WINDOW_UPDATE, 0, 0, payload)
}

/** No table of headers, so that each answer can be read by itself, and room for all that is answered. */
function settings(): Buffer {
  const [headerTableSize, initialWindowSize] = [1, 4]
  const payload = Buffer.alloc(12)
  payload.writeUInt16BE(headerTableSize, 0)
  payload.writeUInt32BE(0, 2)
  payload.writeUInt16BE(initialWindowSize, 6)
  payload.writeUInt32BE(WINDOW_MAX, 8)
  return frame(SETTINGS, 0, 0, payload)
}

/** HPACK (RFC 7541): names of the static table by their number, values as they are. */
function headersFor(host: string): Buffer {
  const [post, http] = [0x83, 0x86]
  const [authority, path] = [1, 4]
  const text = (value: string) => Buffer.concat([Buffer.from([value.length]), Buffer.from(value)])
  return Buffer.concat([
    Buffer.from([post, http, path]),
    text('/inference.GRPCInferenceService/ModelInfer'),
    Buffer.from([authority]),
    text(host),
    ...['content-type', 'application/grpc', 'te', 'trailers'].map((word, at) =>
      at % 2 === 0 ? Buffer.concat([Buffer.from([0]), text(word)]) : text(word),
    ),
  ])
}

/** `grpc-status` in Huffman's code and as it is, each with the value 0. */
const OK = [Buffer.from('9acac8b21234da8f0130', 'hex'), Buffer.from('grpc-status\u00010')]

function isOk(block: Buffer): boolean {
  return OK.some((each) => block.includes(each))
}
