import type { Logged } from '#inference'

/** What a model is asked to do, as far as measuring it goes. */
export type Task = 'binary' | 'multiclass' | 'multilabel' | 'regression' | 'ranking'

export const TASKS: readonly Task[] = [
  'binary',
  'multiclass',
  'multilabel',
  'regression',
  'ranking',
]

/** What was asked, what was answered, and what turned out to be true (null while it is not known). */
export interface AnsweredRow {
  readonly inputs: Readonly<Record<string, Logged>>
  readonly outputs: Readonly<Record<string, Logged>>
  readonly label: Logged | bigint
  readonly key?: string | null
}

/** What is said of a model's answers; everything that is not said is read off the rows. */
export interface Roles {
  readonly task?: Task
  /** The class that is the event, of two. */
  readonly positive?: string | number | boolean
  /** A probability of at least this is a positive prediction. */
  readonly threshold?: number
  /** The output that is the prediction. */
  readonly prediction?: string
  /** The output with the list of probabilities, or an output for each class. */
  readonly probabilities?: string | Readonly<Record<string, string>>
  /** The classes in the order of the list of probabilities. */
  readonly classes?: readonly (string | number | boolean)[]
  /** Rankings: the input that says which rows were ranked against each other, or `key`. */
  readonly group?: string
  /** Rankings are looked at to this place. */
  readonly k?: number
}

/** Answers with their truths, by columns. `rows` says which of the rows given each of them was. */
export type Answers = { readonly rows: Uint32Array } & (
  | BinaryAnswers
  | MulticlassAnswers
  | MultilabelAnswers
  | RegressionAnswers
  | RankingAnswers
)

/** `bare`: the rows are a sample themselves, so bounds that take samples of them are not asked for. */
interface Drawn {
  readonly bare?: true
}

export interface BinaryAnswers extends Drawn {
  readonly task: 'binary'
  /** The class that is the event. */
  readonly positive: string
  /** 1 for the event. */
  readonly truths: Uint8Array
  readonly predicted: Uint8Array
  /** What ranks the rows; null where only classes are answered. */
  readonly scores: Float64Array | null
}

export interface MulticlassAnswers extends Drawn {
  readonly task: 'multiclass'
  readonly classes: readonly string[]
  /** Places in `classes`. */
  readonly truths: Int32Array
  readonly predicted: Int32Array
  /** Row by row, one for each of the first `width` classes; null where only classes are answered. */
  readonly probabilities: Float64Array | null
  readonly width: number
}

export interface MultilabelAnswers extends Drawn {
  readonly task: 'multilabel'
  readonly labels: readonly string[]
  /** Row by row, 1 for each label that a row has. */
  readonly truths: Uint8Array
  readonly predicted: Uint8Array
  readonly scores: Float64Array | null
}

export interface RegressionAnswers extends Drawn {
  readonly task: 'regression'
  readonly truths: Float64Array
  readonly predicted: Float64Array
}

export interface RankingAnswers extends Drawn {
  readonly task: 'ranking'
  /** Rows of one number were ranked against each other. */
  readonly groups: Int32Array
  /** How right each row was: 0 is not at all. */
  readonly truths: Float64Array
  readonly scores: Float64Array
}

/** A metric of one sample. Without a value, or with one that stands for nothing, `note` says why. */
export interface Metric {
  readonly value: number | null
  /** Bounds between which the true value lies with 95 % confidence; null where no such bounds are known. */
  readonly ciLow: number | null
  readonly ciHigh: number | null
  readonly note?: string
}

export type Metrics = Readonly<Record<string, Metric>>

/** Metrics by their names, worked out when they are asked for. */
export type LazyMetrics = Readonly<Record<string, () => Metric>>
