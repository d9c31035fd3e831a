/** What is known of a remote call beside its message. */
export interface RpcCall {
  /** A text of the call's metadata; names are lower case. */
  header(name: string): string | undefined
  /** All texts of the metadata. */
  headers(this: void): Readonly<Record<string, string>>
  /** Milliseconds that the caller still waits, if it said. */
  readonly deadlineMs: number | undefined
  /** Sent with the answer; streams have none. */
  setHeader(name: string, value: string): void
  /** Aborted when the caller has gone; made for those that ask, and no getter for the same reason as in `DirectCall`. */
  signal(this: void): AbortSignal
}

/** How the messages of one method are read and written, where the way of the `.proto` file is too slow. */
export interface RpcCodec {
  /** Throws an error of any kind for bytes that are no such message. */
  decode(bytes: Uint8Array): unknown
  encode(answer: never): Uint8Array
}

/** One method of a service. Failures are problems; whoever serves maps them to the codes of the wire. */
export type RpcMethod = { readonly codec?: RpcCodec } & (
  | { readonly answer: (request: never, call: RpcCall) => Promise<unknown> }
  /** A stream both ways: every message gets one answer, in their order. */
  | { readonly answerEach: (request: never, call: RpcCall) => Promise<unknown> }
  /** One message, answered by a stream. */
  | { readonly watch: (request: never, call: RpcCall) => AsyncIterable<unknown> }
)

/** One service of a protocol: the methods that it lacks are answered as not implemented. */
export interface RpcService {
  /** With its package: `inference.GRPCInferenceService`. */
  readonly name: string
  /** The file that defines it, found as `file` in the folder `root`, as are those that it imports. */
  readonly proto: { readonly root: string; readonly file: string }
  readonly methods: Readonly<Record<string, RpcMethod>>
}
