import { sha256 } from '#base/digest'
import { Problem } from '#base/problem'
import { castRows } from './rows/cast.ts'
import type { Deployed } from './models/deployment.ts'
import type { EndpointTable } from './table.ts'
import {
  columnsOf,
  feedsOfRows,
  feedsOfTensors,
  namedRows,
  typedRows,
  type FeedPlan,
  type Rows,
  type Sent,
} from './rows/feeds.ts'
import type { PredictionRequest } from './request.ts'
import type { Tensor } from './tensor.ts'

/** What a request's batch is called, and what it stands for if the caller named it. */
export interface Identity {
  readonly batch: string
  readonly digest: string | null
}

/** Whatever can be printed in one line: no control, no half of a character, no mark that changes what is around it. */
const REQUEST_ID = /^[^\p{C}\p{Zl}\p{Zp}]{1,200}$/u

/** The identity of a request that its caller named. Throws `invalid` for a name that cannot be kept. */
export function identityOf(
  endpoint: string,
  batch: string,
  { input, params }: PredictionRequest,
): Identity & { digest: string } {
  if (!REQUEST_ID.test(batch))
    throw new Problem(
      'invalid',
      'a request id has 1 to 200 characters that can be printed in one line; send another or none',
    )
  const asked =
    input.form === 'tensors'
      ? input.tensors.map(({ name, type, shape, data }) => [name, type, shape, [...data]])
      : [input.form === 'unnamed' ? null : input.columns, input.rows]
  // As it has always been where there are none, for requests that are sent again.
  const all = [endpoint, input.form, asked, ...(params === undefined ? [] : [params])]
  const text = JSON.stringify(all, (_, value: unknown) =>
    typeof value === 'bigint' ? `${value}n` : value,
  )
  return { batch, digest: sha256(text) }
}

/** What a model is fed with, and the rows as they go into the log. */
export function feedsOf(
  { plan }: Pick<Deployed, 'plan'>,
  { input }: PredictionRequest,
): { feeds: Tensor[]; sent: Sent } {
  if (input.form === 'tensors') return feedsOfTensors(plan, input.tensors)
  const sent = sentRows(plan, input)
  return { feeds: feedsOfRows(plan, sent), sent }
}

function sentRows(
  plan: FeedPlan,
  input: Exclude<PredictionRequest['input'], { form: 'tensors' }>,
): Rows {
  if (input.form === 'texts') return typedRows(plan, input)
  const rows = input.form === 'unnamed' ? namedRows(plan, input.rows) : input
  return input.cast === true ? castRows(plan, rows) : rows
}

/** The rows without the columns that only the monitor needs: the log has them beside the inputs. */
export function loggedRows(
  { columns, rows }: Rows,
  { monitor }: EndpointTable,
  live: Deployed,
): Rows {
  const read = monitor === null ? null : columnsOf(live.plan)
  if (read === null) return { columns, rows }
  const dropped = [monitor?.key, monitor?.window.by].filter(
    (by) => by !== undefined && columns.includes(by) && !read.some(({ name }) => name === by),
  )
  if (dropped.length === 0) return { columns, rows }
  const kept = columns.flatMap((name, index) => (dropped.includes(name) ? [] : [index]))
  return {
    columns: kept.map((index) => columns[index] as string),
    rows: rows.map((row) => kept.map((index) => row[index] ?? null)),
  }
}
