import type { ExactJson } from '#base/exact-json'
import type { ModelShape, Tensor } from './tensor.ts'

/** A model as a serving process is told to hold it. */
export interface HeldModel {
  /** What calls name it by, within its process. */
  readonly key: string
  /** The model's file, beside which others may lie that it refers to; of a Python model its folder. */
  readonly path: string
  /** What runs it; ONNX Runtime without it. */
  readonly runs?: 'onnx' | 'python'
  readonly python?: PythonSettings
  /** It may be held in one process with others. */
  readonly shared?: boolean
  /** The process serves on without an optional model that does not load or that ends the process. */
  readonly optional: boolean
}

/** Where a model's files lie and what runs them. */
export type PlacedFiles = Pick<HeldModel, 'path' | 'runs' | 'python' | 'shared'>

/** How a Python model is run; what is left out, the runtime decides. */
export type PythonSettings = {
  /** A Python that has what the model needs, instead of one that is installed for it. */
  readonly executable?: string
  /** Processes that answer at the same time. */
  readonly workers?: number
  /** What one process may take. */
  readonly memoryBytesMax?: number
  /** Whether calls may be run together: only where each row is answered by itself. */
  readonly joins?: boolean
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
    /** Told what a start that takes long is doing. */
    onProgress?: (doing: string) => void
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
  infer(key: string, inputs: readonly Tensor[], options: InferOptions): Promise<Outputs>
  /** Resolves when the process answers. */
  ping(): Promise<void>
  readonly state: 'ready' | 'restarting' | 'stopped'
  /** The operating system's number of the process, while there is one. */
  readonly pid: number | undefined
  /** Calls that wait for their turn. */
  readonly waiting?: number
  stop(): Promise<void>
}

export interface InferOptions {
  /** Shadow calls wait behind live ones. */
  readonly role: 'live' | 'shadow'
  /** Less than the process's own limit. */
  readonly timeoutMs?: number
  /** How long the caller waits: a call that has not begun by then is never run. */
  readonly deadlineMs?: number
  readonly params?: Readonly<Record<string, ExactJson>>
  /** It is not run together with other calls. */
  readonly alone?: boolean
  /** Told how it was run, before it is answered. */
  readonly onRun?: ((run: ModelRun) => void) | undefined
}

/** How a call was run, maybe together with others. */
export interface ModelRun {
  /** How long it waited for its turn. */
  readonly queuedMs: number
  readonly ranMs: number
  /** Of all calls that were run together. */
  readonly rows: number
  /** Whether it stands for the run: one of the calls does. */
  readonly leads: boolean
}

/** `array`: one block without a name. `json`: one text that is JSON, for what is no table. */
export type OutputForm = 'array' | 'frame' | 'series' | 'dict' | 'json'

/** A model's answer; `form` is what a Python model gave it as. */
export type Outputs = Tensor[] & { form?: OutputForm }

export function inForm(outputs: Tensor[], form: OutputForm | undefined): Outputs {
  return form === undefined ? outputs : Object.assign(outputs, { form })
}
