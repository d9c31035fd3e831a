import type { Caller, PredictionRequest, ReadInput } from '#inference'
import type { Located, TreeModel } from './model.ts'
import type { Pace } from './pace.ts'

export interface ExplanationRequest {
  readonly input: PredictionRequest['input']
  readonly pin?: PredictionRequest['pin']
  /** Rows that stand for what is usual; by default the model's input example. */
  readonly background?: PredictionRequest['input']
  /** `sampling`: as for a model that is not known to be trees. `paths`: trees by the paths of the background. */
  readonly method?: 'auto' | 'sampling' | 'paths'
  /** Rows that the model may be asked for, over all rows that are explained. */
  readonly evaluationsMax?: number
  readonly seed?: number
  readonly deadlineMs?: number
  /** Who asks; left out beside a prediction, which was counted. */
  readonly caller?: Caller
  /** Ends the work when nobody waits for it any more. */
  readonly signal?: AbortSignal
}

/** The same of a caller who asks for nothing else, and is counted as for a prediction. */
export function askedAlone(
  asked: Parameters<typeof whyOf>[0] & Caller,
  signal: AbortSignal,
): ExplanationRequest {
  const { stickyKey, headers } = asked
  const caller = {
    ...(stickyKey === undefined ? {} : { stickyKey }),
    ...(headers === undefined ? {} : { headers }),
  }
  return { ...whyOf(asked, signal), caller }
}

/** The question why of what a prediction asks. */
export function whyOf(
  { input, pin, deadlineMs }: Pick<PredictionRequest, 'input' | 'pin' | 'deadlineMs'>,
  signal: AbortSignal,
): ExplanationRequest {
  return {
    input,
    signal,
    ...(pin === undefined ? {} : { pin }),
    ...(deadlineMs === undefined ? {} : { deadlineMs }),
  }
}

/** Why the model answered as it did: for each row and output, base plus values is what was answered. */
export interface Explanation {
  readonly modelVersion: string
  readonly revision: number
  /** `trees` and `paths` are exact by the model's trees, `exact` by all coalitions; `permutation` is a sample. */
  readonly method: 'trees' | 'paths' | 'exact' | 'permutation'
  /** Why not by trees, where that was not asked for. */
  readonly note: string | null
  readonly columns: readonly string[]
  readonly outputs: readonly ExplainedOutput[]
  readonly rows: readonly ExplainedRow[]
  readonly background: { readonly rows: number; readonly from: 'request' | 'input example' }
  /** Rows that the model was asked for. */
  readonly evaluations: number
}

export interface ExplainedOutput {
  readonly name: string
  /** What is added up: the answer itself, or the raw score that becomes it. */
  readonly of: 'answer' | 'score before logistic' | 'score before softmax'
  /** What is added to when nothing is known of the row: the mean over the background. */
  readonly base: number
}

export interface ExplainedRow {
  /** For each output the sum of base and values. */
  readonly answers: readonly number[]
  /** For each output one value for each column. */
  readonly values: readonly (readonly number[])[]
  /** Standard errors in the same form, of a sample. */
  readonly errors?: readonly (readonly number[])[]
}

/** What protocols ask. */
export interface Explain {
  explain(endpoint: string, request: ExplanationRequest): Promise<Explanation>
}

/** What is to be explained, and against what. */
export interface Task {
  readonly located: Located
  readonly request: ExplanationRequest
  readonly pace: Pace
  readonly asked: ReadInput
  readonly background: ReadInput
  readonly from: Explanation['background']['from']
  readonly draw: () => number
}

/** What is known of a model's trees; `isRight` once their sums were seen to be the model's answers. */
export interface Known {
  readonly trees: TreeModel | undefined
  readonly note: string
  isRight: boolean
}
