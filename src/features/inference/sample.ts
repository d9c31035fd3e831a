import { madeUpRows } from './models/deployment.ts'
import { columnsOf, feedsOfRows, planFeeds, rowsOfExample, type Rows } from './rows/feeds.ts'
import type { Described } from './inference.ts'
import type { Tensor } from './tensor.ts'

/** Something that a model can be asked. */
export interface Sample {
  readonly rows: Rows
  /** What it is as tensors; `null` for a model that is asked in rows alone. */
  readonly tensors: readonly Tensor[] | null
  /** Whether the model brought it; a made-up one may be refused. */
  readonly isExample: boolean
}

/** The input example of a model, or a row of zeros. */
export function sampleOf({ shape, columns, tensors, example }: Described): Sample {
  const plan = planFeeds(shape, columns, tensors ?? null)
  const given = example !== undefined && example !== null && example.rows.length > 0
  const rows = given ? rowsOfExample(plan, example) : madeUpRows(plan)
  try {
    return { rows, tensors: feedsOfRows(plan, rows), isExample: given }
  } catch {
    const named = columnsOf(plan)?.map(({ name }) => name) ?? rows.columns
    return { rows: { ...rows, columns: named }, tensors: null, isExample: given }
  }
}
