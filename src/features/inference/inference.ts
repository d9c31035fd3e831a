import type { Pin, PredictionRequest } from './request.ts'
import type { Labels, ServableModel } from './model-source.ts'
import type { SignatureColumn, SignatureTensor } from './rows/signature.ts'
import type { PredictionAnswer } from './answer.ts'
import type { Revision } from './revision.ts'
import type { ModelShape } from './tensor.ts'

/**
 * What the protocols of prediction ask. Nothing behind it needs the metadata database, so it goes on
 * answering while that is away.
 */
export interface Inference {
  /** Answers rows or tensors; the answer is in the log when this resolves. Nothing is logged for what is refused. */
  predict(endpoint: string, request: PredictionRequest): Promise<PredictionAnswer>
  /** What answers at an endpoint under this pin. Throws `not-found`, or `unavailable` while nothing does. */
  describe(endpoint: string, pin?: Pin): Promise<Described>
  /** How all endpoints stand, by name. */
  standings(): Standing[]
  /** What has been asked of endpoints since this process began; of all of them without a name. */
  statistics(endpoint?: string): Statistics[]
  /** Ready when all that are deployed can answer and nothing drains. */
  readiness(): { ready: boolean; endpoints: { endpoint: string; state: State }[] }
}

/** Calls and the milliseconds that they took together. */
export interface Tally {
  readonly count: number
  readonly ms: number
}

/** What was asked of one revision. */
export interface Statistics {
  readonly endpoint: string
  readonly revision: Revision
  /** When it was last asked, `null` before the first call. */
  readonly lastMs: number | null
  /** Rows answered. */
  readonly rows: number
  /** Runs of the model: calls that were joined count once. */
  readonly runs: number
  readonly success: Tally
  readonly failure: Tally
  readonly queue: Tally
  readonly compute: Tally
}

/** Asks for endpoints to be made, loaded and let go. What it changes is in the ledger. */
export interface Repository {
  /** Every endpoint, and every version of a registered model that could become one. */
  index(): Promise<readonly RepositoryEntry[]>
  /**
   * Loads what an endpoint is declared to serve; with `model` (`models:/name@alias` or `models:/name/3`) declares it first.
   * The name of a registered model without an endpoint is declared for its newest version. Resolves when it answers; throws
   * `not-found`, and declares nothing, when the model means no version.
   */
  load(endpoint: string, options?: { model?: string }): Promise<void>
  /** Its process is let go, its declaration stays; `load` brings it back. */
  unload(endpoint: string): Promise<void>
  /** Unloads it and forgets the declaration; its predictions stay. Throws `conflict` for one that a project declares. */
  remove(endpoint: string): Promise<void>
}

export interface RepositoryEntry {
  readonly name: string
  readonly version: number | null
  readonly state: State
  readonly reason: string | null
}

export type State = 'ready' | 'loading' | 'failed' | 'undeployed' | 'unloaded'

export interface Standing {
  readonly endpoint: string
  readonly state: State
  /** Why it cannot answer. */
  readonly reason: string | null
  readonly revision: Revision | null
}

export interface Described {
  readonly revision: Revision
  readonly shape: ModelShape
  /** The columns of the model's signature, in order; `null` without one of columns. */
  readonly columns: readonly SignatureColumn[] | null
  /** The tensors of its signature; `null` without one of tensors. */
  readonly tensors?: readonly SignatureTensor[] | null
  /** Columns that are sent beside the model's own: what the endpoint's monitor knows entities and times by. */
  readonly monitored?: readonly string[]
  /** Of all revisions that take traffic or can be pinned. */
  readonly versions: readonly number[]
  readonly labels: Labels
  /** The input example that was logged with the model. */
  readonly example?: ServableModel['example']
  /** `onnx`, `sklearn`, … as MLflow names the flavor that runs. */
  readonly flavor: string
}
