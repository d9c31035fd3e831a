import type { ExactJson } from '#base/exact-json'
import type { Rows } from './rows/feeds.ts'
import type { ModelRun } from './runtime.ts'
import type { Tensor, Value } from './tensor.ts'

export interface PredictionRequest {
  /** The caller's own name for the request: sent again, it gets the same answer and is logged once. */
  readonly id?: string
  readonly input:
    | ({ readonly form: 'rows'; readonly cast?: true } & Rows)
    /**
     * Without column names, in the order in which the model reads its columns. With `cast`, values are taken
     * for what their columns are, as MLflow's scoring server does.
     */
    | { readonly form: 'unnamed'; readonly rows: readonly Value[]; readonly cast?: true }
    /** As CSV has them: every value is a text. */
    | {
        readonly form: 'texts'
        readonly columns: readonly string[]
        readonly rows: readonly (readonly string[])[]
      }
    | { readonly form: 'tensors'; readonly tensors: readonly Tensor[] }
  /** The revision that is meant; without one, the endpoint's traffic decides. */
  readonly pin?: Pin
  /** Names the caller or the entity, so that it stays with one revision. */
  readonly stickyKey?: string
  /** The header `x-route` of an earlier answer: the caller stays with that revision while it takes traffic. */
  readonly route?: string
  /** What the request's headers say, by which quotas tell callers apart. */
  readonly headers?: RequestHeaders
  /** A revision that a header forces, where the endpoint permits it. */
  readonly override?: string
  /** Parameters of the model, as MLflow's `params`: whole numbers are `bigint`, a `number` is a float. */
  readonly params?: Readonly<Record<string, ExactJson>>
  /** How long the caller waits, in milliseconds from now; what cannot be answered in time is not begun. */
  readonly deadlineMs?: number
  /** In which language it was asked, for those who count. */
  readonly protocol?: string
  /** Told how the model was run for it. */
  readonly onRun?: (run: ModelRun) => void
}

/** Which of an endpoint's revisions is meant; without one, its traffic decides. */
export type Pin =
  | { readonly by: 'version'; readonly version: number }
  /** An alias of the registered model. */
  | { readonly by: 'label'; readonly label: string }
  | { readonly by: 'revision'; readonly revision: number }

/** The headers of a request, or the metadata of a call; names are in lower case. */
export type RequestHeaders = Readonly<Record<string, string | readonly string[] | undefined>>
