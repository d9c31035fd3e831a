import {
  logVerbosity,
  Metadata,
  Server,
  setLogVerbosity,
  ServerCredentials,
  status as Status,
  type MethodDefinition,
  type ServerDuplexStream,
  type ServerUnaryCall,
  type ServerWritableStream,
  type sendUnaryData,
  type StatusObject,
  type UntypedHandleCall,
} from '@grpc/grpc-js'
import type { EventEmitter } from 'node:events'
import { loadSync, type PackageDefinition } from '@grpc/proto-loader'
import type { Clock } from '#base/clock'
import { retryAfterIn } from '#base/failure'
import { invariant } from '#base/invariant'
import type { Logger } from '#base/logger'
import { messageOf, Problem, type ProblemCode } from '#base/problem'
import type { RpcCall, RpcCodec, RpcMethod, RpcService } from '#base/rpc'
import { healthService } from './grpc-health.ts'
import { reflectionOf } from './grpc-reflection.ts'

export interface GrpcServer {
  readonly port: number
  /** Says that it is not ready, answers what is open, and ends what is still open after `drainMs`. */
  stop(drainMs: number): Promise<void>
}

interface World {
  readonly clock: Clock
  readonly logger: Logger
  readonly hold?: ((bytes: number) => () => void) | undefined
}

const STATUS: Readonly<Record<ProblemCode, Status>> = {
  invalid: Status.INVALID_ARGUMENT,
  unauthenticated: Status.UNAUTHENTICATED,
  forbidden: Status.PERMISSION_DENIED,
  'not-found': Status.NOT_FOUND,
  exists: Status.ALREADY_EXISTS,
  conflict: Status.FAILED_PRECONDITION,
  limit: Status.RESOURCE_EXHAUSTED,
  full: Status.RESOURCE_EXHAUSTED,
  unavailable: Status.UNAVAILABLE,
  timeout: Status.DEADLINE_EXCEEDED,
  quota: Status.RESOURCE_EXHAUSTED,
  unsupported: Status.UNIMPLEMENTED,
}

/** Clients take 8 KiB of metadata, and a character may be sent as nine. */
const MESSAGE_CHARS_MAX = 700

/** Every protocol that speaks gRPC, on one port, with health and reflection. */
export async function startGrpc(
  world: World,
  options: {
    services: readonly RpcService[]
    host: string
    port: number
    messageBytesMax: number
    isReady: () => boolean
    /** Told of each message while it is worked on; gives what lets it go, and throws where there is no room. */
    hold?: (bytes: number) => () => void
  },
): Promise<GrpcServer> {
  // What goes wrong is thrown or logged here; the library would print it a second time.
  setLogVerbosity(logVerbosity.NONE)
  const server = new Server({
    'grpc.max_receive_message_length': options.messageBytesMax,
    'grpc.max_send_message_length': -1,
  })
  let drains = false
  const names = options.services.map(({ name }) => name)
  const health = healthService(names, { isReady: options.isReady, drains: () => drains })
  const definitions: PackageDefinition = {}
  for (const service of [...options.services, health])
    Object.assign(definitions, added(server, service, { ...world, hold: options.hold }))
  reflectionOf(definitions).addToServer(server)
  const port = await bound(server, options)
  return {
    port,
    stop: async (drainMs) => {
      drains = true
      const late = setTimeout(() => server.forceShutdown(), drainMs)
      await new Promise<void>((resolve) => {
        server.tryShutdown(() => resolve())
      })
      clearTimeout(late)
    },
  }
}

function bound(server: Server, { host, port }: { host: string; port: number }): Promise<number> {
  const address = `${host.includes(':') ? `[${host}]` : host}:${port}`
  return new Promise((resolve, reject) => {
    server.bindAsync(address, ServerCredentials.createInsecure(), (error, taken) => {
      if (error === null) resolve(taken)
      else
        reject(
          new Problem(
            'conflict',
            `cannot listen for gRPC on ${address} (${messageOf(error)}); set another grpcPort, or 0 for a free one`,
          ),
        )
    })
  })
}

/** Adds a service and gives all that its file defines. */
function added(
  server: Server,
  { name, proto, methods }: RpcService,
  world: World,
): PackageDefinition {
  const definitions = loadSync(proto.file, {
    includeDirs: [proto.root],
    keepCase: true,
    longs: String,
    enums: String,
    defaults: true,
    oneofs: true,
  })
  const service = definitions[name]
  invariant(service !== undefined && !('format' in service), `${proto.file} defines ${name}`)
  const wire = Object.entries(service).map(([method, each]) => [method, inBytes(each)])
  const handlers = Object.entries(methods).map(([method, each]) => {
    const defined = service[method]
    invariant(defined !== undefined, `${proto.file} defines ${name}.${method}`)
    return [method, handlerOf(each, each.codec ?? codecOf(defined), world)]
  })
  server.addService(
    Object.fromEntries(wire) as Record<string, MethodDefinition<Buffer, Buffer>>,
    Object.fromEntries(handlers) as Record<string, UntypedHandleCall>,
  )
  return definitions
}

const same = (bytes: Buffer) => bytes

/** Handlers read and write by themselves: then bytes that are no message are the caller's fault, and not ours. */
function inBytes(method: MethodDefinition<object, object>): MethodDefinition<Buffer, Buffer> {
  return {
    ...method,
    requestSerialize: same,
    requestDeserialize: same,
    responseSerialize: same,
    responseDeserialize: same,
  }
}

function codecOf(method: MethodDefinition<object, object>): RpcCodec {
  return {
    decode: (bytes) => method.requestDeserialize(bytes as Buffer),
    encode: (answer: object) => method.responseSerialize(answer),
  }
}

type Unary = ServerUnaryCall<Buffer, Buffer>
type Duplex = ServerDuplexStream<Buffer, Buffer>
type Writable = ServerWritableStream<Buffer, Buffer>

function handlerOf(method: RpcMethod, codec: RpcCodec, world: World): UntypedHandleCall {
  if ('answer' in method)
    return (call: Unary, callback: sendUnaryData<Buffer>) =>
      void answerOnce(call, callback, world, (bytes, rpc) =>
        answered(codec, bytes, world, (request) => method.answer(request, rpc)),
      )
  if ('answerEach' in method)
    return (call: Duplex) => {
      const { rpc } = rpcCallOf(call, world)
      void eachAnswered(call, (bytes) =>
        answered(codec, bytes, world, (request) => method.answerEach(request, rpc)),
      ).then(
        () => call.end(),
        (error: unknown) => call.emit('error', statusOf(error, world)),
      )
    }
  return (call: Writable) => {
    const { rpc } = rpcCallOf(call, world)
    void watchedIn(call, codec, (request) => method.watch(request, rpc)).then(
      () => call.end(),
      (error: unknown) => call.emit('error', statusOf(error, world)),
    )
  }
}

async function answerOnce(
  call: Unary,
  callback: sendUnaryData<Buffer>,
  world: World,
  answer: (bytes: Buffer, rpc: RpcCall) => Promise<Buffer>,
): Promise<void> {
  const { rpc, headers } = rpcCallOf(call, world)
  try {
    const bytes = await answer(call.request, rpc)
    call.sendMetadata(headers)
    callback(null, bytes)
  } catch (error) {
    const retryAfter = retryAfterIn(error)
    if (retryAfter !== undefined) headers.set('retry-after', retryAfter)
    callback(Object.assign(statusOf(error, world), { metadata: headers }))
  }
}

async function answered(
  codec: RpcCodec,
  bytes: Buffer,
  { hold }: World,
  answer: (request: never) => Promise<unknown>,
): Promise<Buffer> {
  const letGo = hold?.(bytes.length)
  try {
    return written(codec, await answer(read(codec, bytes)))
  } finally {
    letGo?.()
  }
}

/** The library copies buffers, and nothing else that is bytes. */
function written(codec: RpcCodec, answer: unknown): Buffer {
  const { buffer, byteOffset, byteLength } = codec.encode(answer as never)
  return Buffer.from(buffer, byteOffset, byteLength)
}

function read(codec: RpcCodec, bytes: Buffer): never {
  try {
    return codec.decode(bytes) as never
  } catch (error) {
    if (error instanceof Problem) throw error
    throw new Problem('invalid', `the message cannot be read: ${messageOf(error)}`)
  }
}

/** Messages of a stream that are worked on at once. */
const OPEN_MAX = 32

/** Answers every message in its turn, while those behind it are already worked on. */
async function eachAnswered(call: Duplex, answer: (bytes: Buffer) => Promise<Buffer>) {
  const failed = Promise.withResolvers<never>()
  const all = async () => {
    const open: Promise<void>[] = []
    let last = Promise.resolve()
    // The end of the requests is not the end of the answers.
    for await (const bytes of call.iterator({ destroyOnReturn: false })) {
      const answering = answer(bytes as Buffer)
      last = Promise.all([answering, last]).then(([told]) => sent(call, told))
      last.catch(failed.reject)
      open.push(last)
      if (open.length >= OPEN_MAX) await open.shift()
    }
    await last
  }
  await Promise.race([all(), failed.promise])
}

async function watchedIn(
  call: Writable,
  codec: RpcCodec,
  watch: (request: never) => AsyncIterable<unknown>,
) {
  for await (const answer of watch(read(codec, call.request)))
    await sent(call, written(codec, answer))
}

async function sent(call: Duplex | Writable, bytes: Buffer): Promise<void> {
  if (call.write(bytes) || call.cancelled) return
  await new Promise<void>((resolve) => {
    call.once('drain', resolve)
    call.once('cancelled', resolve)
  })
}

function rpcCallOf(
  call: Unary | Duplex | Writable,
  { clock }: World,
): { rpc: RpcCall; headers: Metadata } {
  const headers = new Metadata()
  const deadline = Number(call.getDeadline())
  const rpc: RpcCall = {
    header: (name) => call.metadata.get(name)[0]?.toString(),
    headers: () => textsOf(call.metadata),
    deadlineMs: Number.isFinite(deadline) ? deadline - clock.nowMs() : undefined,
    setHeader: (name, value) => headers.set(name, value),
    signal: () => signalOf(call),
  }
  return { rpc, headers }
}

function textsOf(metadata: Metadata): Record<string, string> {
  const texts: Record<string, string> = {}
  for (const [name, value] of Object.entries(metadata.getMap()))
    if (typeof value === 'string') texts[name] = value
  return texts
}

/** For those that ask: the library says of each call that has ended that it was cancelled, and to make an error of that takes long. */
function signalOf(call: EventEmitter & { cancelled: boolean }): AbortSignal {
  const controller = new AbortController()
  if (call.cancelled) controller.abort()
  call.on('cancelled', () => controller.abort())
  return controller.signal
}

function statusOf(error: unknown, { logger }: World): Error & Partial<StatusObject> {
  const problem = error instanceof Problem ? error : undefined
  if (problem === undefined) logger.error({ err: error }, 'unexpected failure')
  const details = problem?.message ?? 'this is a fault of the server; its log has more'
  return Object.assign(new Error(details), {
    code: problem === undefined ? Status.INTERNAL : STATUS[problem.code],
    details:
      details.length > MESSAGE_CHARS_MAX ? `${details.slice(0, MESSAGE_CHARS_MAX)}…` : details,
  })
}
