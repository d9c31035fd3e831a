import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import type { DirectAnswer, DirectRoute } from '#base/direct'
import { plainHead, type PlainHead } from './plain-head.ts'

type Headers = DirectAnswer['headers']
type Answerer = NonNullable<ReturnType<DirectRoute>>

export interface Failure {
  readonly error: Error
  readonly made: Headers
}

interface Parts {
  /** Undefined for what goes the way of all requests. */
  readonly answererOf: (head: PlainHead) => Answerer | undefined
  /** Holds the bytes of a body; gives what lets them go. Throws where there is no room. */
  readonly hold: (bytes: number) => () => void
  readonly nowMs: () => number
  readonly onAnswer: () => void
  /** Told before the request comes once more, by the way of all requests, to be answered with this. */
  readonly onFailure: (socket: Socket, failure: Failure) => void
}

/** A longer head is read by Node. */
const HEAD_BYTES_MAX = 8192
/** What comes over a connection before it was answered waits in memory up to here, and then on its way. */
const HELD_BYTES_MAX = 64 * 1024
const END_OF_HEAD = '\r\n\r\n'
/** What a header's value must not have, or it could end its line. */
const UNPRINTABLE = /[^\t -~]/

/** A connection whose requests have been plain so far. */
interface Plain {
  /** Ends it unless it is being answered. */
  endIdle(): void
  readonly socket: Socket
}

/**
 * Reads plain requests that come in one piece straight from their connections, which costs a fraction of Node's own way; with the
 * first that is otherwise the connection goes to Node for good, as if nobody had looked at it.
 */
export function plainConnections(server: Server, parts: Parts): { close(): void } {
  const normally = server.listeners('connection')[0] as (this: Server, socket: Socket) => void
  const open = new Set<Plain>()
  let isClosing = false
  const world: World = {
    ...parts,
    server,
    open,
    isClosing: () => isClosing,
    giveToNode: (socket) => normally.call(server, socket),
    date: dates(parts.nowMs),
  }
  server.removeListener('connection', normally)
  server.on('connection', (socket: Socket) => {
    if (isClosing) normally.call(server, socket)
    else open.add(plainConnection(socket, world))
  })
  // Node's own knows the connections that it reads.
  const closeTheirs = server.closeAllConnections.bind(server)
  server.closeAllConnections = () => {
    for (const { socket } of open) socket.destroy()
    closeTheirs()
  }
  return {
    close: () => {
      isClosing = true
      for (const each of open) each.endIdle()
    },
  }
}

interface World extends Parts {
  readonly server: Server
  readonly open: Set<Plain>
  readonly isClosing: () => boolean
  readonly giveToNode: (socket: Socket) => void
  readonly date: () => string
}

interface Request {
  readonly answerer: Answerer
  readonly body: Buffer
  readonly whole: Buffer
  readonly release: () => void
}

function plainConnection(socket: Socket, world: World): Plain {
  const requestIn = requestReader(world)
  let held: Buffer | undefined
  let isBusy = false

  const take = (bytes: Buffer) => {
    const request = world.isClosing() ? undefined : requestIn(bytes)
    if (request === undefined) return giveAway(bytes)
    isBusy = true
    void answer(request)
  }
  const answer = async (request: Request) => {
    let isLast = false
    const failure = await failureOf(request, socket, () => {
      isLast = world.isClosing() && held === undefined
      return isLast ? 'connection: close\r\n' : alive(world)
    })
    request.release()
    if (failure !== undefined) {
      world.onFailure(socket, failure)
      return giveAway(held === undefined ? request.whole : Buffer.concat([request.whole, held]))
    }
    world.onAnswer()
    if (isLast) socket.destroySoon()
    else if (socket.writableNeedDrain) socket.once('drain', goOn)
    else goOn()
  }
  const goOn = () => {
    isBusy = false
    const waiting = held
    held = undefined
    if (socket.destroyed) return
    if (waiting !== undefined) take(waiting)
    else if (world.isClosing()) socket.destroySoon()
    if (socket.isPaused()) socket.resume()
  }
  const onData = (chunk: Buffer) => {
    if (!isBusy) return take(chunk)
    held = held === undefined ? chunk : Buffer.concat([held, chunk])
    if (held.length > HELD_BYTES_MAX) socket.pause()
  }
  // As Node does: who says no more has gone.
  const onEnd = () => socket.destroySoon()
  const onTimeout = () => void (isBusy || socket.destroy())
  const onClose = () => void world.open.delete(plain)
  const giveAway = (bytes: Buffer) => {
    onClose()
    if (socket.destroyed) return
    socket.setTimeout(0)
    socket.off('data', onData).off('end', onEnd).off('timeout', onTimeout).off('close', onClose)
    world.giveToNode(socket)
    socket.off('error', onError)
    // Whatever comes over the connection comes behind this.
    socket.unshift(bytes)
    socket.resume()
  }
  const plain: Plain = { socket, endIdle: () => void (isBusy || socket.destroy()) }
  socket.on('data', onData).on('end', onEnd).on('timeout', onTimeout)
  socket.on('error', onError).on('close', onClose)
  socket.setTimeout(world.server.keepAliveTimeout)
  return plain
}

/** Answers a request; gives why that failed, if it did. */
async function failureOf(
  { answerer, body }: Request,
  socket: Socket,
  rest: () => string,
): Promise<Failure | undefined> {
  const gone = goneOnce(socket)
  let made: Headers = {}
  try {
    const given = await answerer({
      body,
      get gone() {
        return gone.signal()
      },
      onAnswer: (headers) => {
        made = headers
      },
    })
    write(socket, headOf(made, given, rest()), given)
    return undefined
  } catch (error) {
    return { error: error as Error, made }
  } finally {
    gone.over()
  }
}

/** The connection ends, and with it whoever would be told. */
function onError(): void {}

/** Reads requests of one connection; callers say the same head again and again. */
function requestReader({ answererOf, hold }: World): (bytes: Buffer) => Request | undefined {
  let newest: { raw: Buffer; bodyBytes: number; answerer: Answerer } | undefined
  const headIn = (bytes: Buffer) => {
    if (newest !== undefined) {
      const { raw } = newest
      if (bytes.length >= raw.length && raw.compare(bytes, 0, raw.length) === 0) return newest
    }
    const end = bytes.indexOf(END_OF_HEAD)
    if (end < 0 || end > HEAD_BYTES_MAX) return undefined
    const head = plainHead(bytes.toString('latin1', 0, end))
    const answerer = head && answererOf(head)
    if (head === undefined || answerer === undefined) return undefined
    const raw = Buffer.from(bytes.subarray(0, end + END_OF_HEAD.length))
    return (newest = { raw, bodyBytes: head.bodyBytes, answerer })
  }
  return (bytes) => {
    const head = headIn(bytes)
    if (head === undefined || bytes.length !== head.raw.length + head.bodyBytes) return undefined
    try {
      const release = hold(head.bodyBytes)
      return {
        answerer: head.answerer,
        body: bytes.subarray(head.raw.length),
        whole: bytes,
        release,
      }
    } catch {
      // It is refused there.
      return undefined
    }
  }
}

/** What tells that a caller has gone before the answer; made only when somebody asks for it. */
function goneOnce(socket: Socket) {
  let gone: AbortController | undefined
  const abort = () => gone?.abort()
  return {
    signal: (): AbortSignal => {
      if (gone === undefined) {
        gone = new AbortController()
        if (socket.destroyed) gone.abort()
        else socket.once('close', abort)
      }
      return gone.signal
    },
    over: () => {
      if (gone !== undefined) socket.off('close', abort)
    },
  }
}

function alive({ server, date }: World): string {
  return `date: ${date()}\r\nconnection: keep-alive\r\nkeep-alive: timeout=${Math.floor(server.keepAliveTimeout / 1000)}\r\n`
}

function headOf(made: Headers, { headers, body }: DirectAnswer, rest: string): string {
  const bytes = typeof body === 'string' ? Buffer.byteLength(body) : body.length
  return `HTTP/1.1 200 OK\r\nx-content-type-options: nosniff\r\ncontent-length: ${bytes}\r\n${lines(made)}${lines(headers)}${rest}\r\n`
}

function lines(headers: Headers): string {
  let text = ''
  for (const name in headers) {
    const value = headers[name] as string
    if (UNPRINTABLE.test(value)) throw new Error(`the header ${name} has no plain value`)
    text += `${name}: ${value}\r\n`
  }
  return text
}

function write(socket: Socket, head: string, { body }: DirectAnswer): void {
  if (socket.destroyed) return
  if (typeof body === 'string') {
    socket.write(head + body)
    return
  }
  socket.cork()
  socket.write(head, 'latin1')
  socket.write(body)
  socket.uncork()
}

/** The time as HTTP writes it, made once a second. */
function dates(nowMs: () => number): () => string {
  let second = 0
  let text = ''
  return () => {
    const now = Math.floor(nowMs() / 1000)
    if (now !== second) {
      second = now
      text = new Date(1000 * now).toUTCString()
    }
    return text
  }
}
