import type { ModelShape, Tensor } from './tensor.ts'

/** A model as a serving process is told to hold it. */
export interface HeldModel {
  /** What calls name it by, within its process. */
  readonly key: string
  /** The model's file. Other files it refers to lie beside it. */
  readonly path: string
  /** The process serves on without an optional model that does not load or that ends the process. */
  readonly optional: boolean
}

/** Where models are run: apart from the server, so that a model can neither stop it nor read its memory. */
export interface Runtime {
  /**
   * Starts a process that holds these models, and gives it when all of them are loaded. Throws an `invalid`
   * problem when one that is not optional cannot be loaded.
   */
  start(options: {
    name: string
    models: readonly HeldModel[]
    /** A model that has not answered after this time is ended together with its process. */
    timeoutMs: number
    /** Told each time the process was ended unexpectedly and is started again. */
    onRestart?: (reason: string) => void
  }): Promise<ServingProcess>
}

export interface ServingProcess {
  /** The models that are held, by key; an optional one may be missing. */
  readonly shapes: ReadonlyMap<string, ModelShape>
  /** Why optional models are missing. */
  readonly failures: ReadonlyMap<string, string>
  /**
   * Runs a model over all rows and gives all its outputs. Throws `invalid` when the model refuses the
   * input, `timeout` when it takes too long, `unavailable` when the process cannot be had. If the process
   * dies meanwhile, the call is made once more on the next one.
   */
  infer(key: string, inputs: readonly Tensor[], options: InferOptions): Promise<Tensor[]>
  /** Resolves when the process answers. */
  ping(): Promise<void>
  readonly state: 'ready' | 'restarting' | 'stopped'
  /** The operating system's number of the process, while there is one. */
  readonly pid: number | undefined
  stop(): Promise<void>
}

export interface InferOptions {
  /** Shadow calls wait behind live ones. */
  readonly role: 'live' | 'shadow'
  /** Less than the process's own limit. */
  readonly timeoutMs?: number
}
