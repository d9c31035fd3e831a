import { feedsOf } from './asked.ts'
import type { PredictionRequest } from './request.ts'
import { columnsOf, planFeeds, type Rows } from './rows/feeds.ts'
import type { ServableModel } from './model-source.ts'
import type { ModelShape, Tensor } from './tensor.ts'

/** An input as a model reads it. */
export interface ReadInput {
  /** The columns that the model reads, in its order. */
  readonly rows: Rows
  /** The same as the tensors that it is fed with. */
  readonly feeds: readonly Tensor[]
  /** The columns of a matrix lie side by side in one tensor; otherwise each has a tensor of its own. */
  readonly form: 'columns' | 'matrix'
}

/** Reads an input as a prediction would, and leaves out columns that the model does not read. */
export function readInput(
  { servable, shape }: { servable: ServableModel; shape: ModelShape },
  input: PredictionRequest['input'],
): ReadInput {
  const plan = planFeeds(shape, servable.columns, servable.tensors)
  const { feeds, sent } = feedsOf({ plan }, { input })
  const read = columnsOf(plan)?.map(({ name }) => name) ?? sent.columns
  const places = read.map((name) => sent.columns.indexOf(name))
  const rows = sent.rows.map((row) =>
    places.map((place) => (place < 0 ? null : (row[place] ?? null))),
  )
  return { rows: { columns: read, rows }, feeds, form: plan.form }
}
