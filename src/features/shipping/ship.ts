import { Problem } from '#base/problem'
import type { Entry, LedgerReads } from '#ledger'
import type { ArrivalQueries, PredictionRow } from '#serving'
import type { LogReceiver, Reached } from './receiver.ts'

/** One entry of a log on its way out. Sent twice under the same id it is there once. */
export type Document =
  | { readonly log: 'events'; readonly id: string; readonly entry: Entry }
  | {
      readonly log: 'predictions'
      readonly id: string
      readonly endpoint: string
      readonly row: PredictionRow
    }

/** How a receiver took documents, each in its place. */
export type Taken =
  | { readonly state: 'taken' }
  /** It may take it later. */
  | { readonly state: 'busy'; readonly reason: string }
  /** It never will. */
  | { readonly state: 'refused'; readonly reason: string }

/** Sends documents to a receiver. Throws `unavailable` when it took none, `limit` when it wants fewer at once. */
export type Send = (
  receiver: LogReceiver,
  documents: readonly Document[],
  signal: AbortSignal,
) => Promise<readonly Taken[]>

/** Documents of one request. */
const AT_ONCE = 500

export interface Sources {
  readonly ledger: Pick<LedgerReads, 'list'>
  readonly predictions: ArrivalQueries
  endpoints(): Promise<readonly string[]>
}

/** What comes next for a receiver, and where it has been sent when all of it is taken; undefined at the end. */
export async function nextOf(
  { ledger, predictions, endpoints }: Sources,
  { logs, reached }: Pick<LogReceiver, 'logs' | 'reached'>,
): Promise<{ documents: readonly Document[]; reached: Reached } | undefined> {
  if (logs.includes('events')) {
    const entries = await ledger.list({ after: reached.events, limit: AT_ONCE })
    const last = entries.at(-1)
    if (last !== undefined)
      return {
        documents: entries.map((entry) => ({ log: 'events', id: `${entry.position}`, entry })),
        reached: { ...reached, events: last.position },
      }
  }
  if (!logs.includes('predictions')) return undefined
  for (const endpoint of await endpoints()) {
    const from = reached.predictions[endpoint] ?? 0
    const { rows, next } = await predictions.arrivals(endpoint, { from, limit: AT_ONCE })
    if (next === null) continue
    return {
      documents: rows.map((row) => ({ log: 'predictions', id: row.id, endpoint, row })),
      reached: { ...reached, predictions: { ...reached.predictions, [endpoint]: next } },
    }
  }
  return undefined
}

/**
 * Sends all documents until each is taken or refused for ever: those that a receiver was too busy for once more, fewer at
 * once where they were too many. Throws `unavailable` when it is still busy after some tries.
 */
export async function deliver(
  send: (documents: readonly Document[]) => Promise<readonly Taken[]>,
  documents: readonly Document[],
): Promise<{ taken: number; refusals: readonly string[] }> {
  let waiting = documents
  let size = AT_ONCE
  let taken = 0
  let busy = 0
  const refusals: string[] = []
  while (waiting.length > 0) {
    const part = waiting.slice(0, size)
    const answers = await send(part).catch((error: unknown) => {
      if (error instanceof Problem && error.code === 'limit' && part.length > 1) return undefined
      throw error
    })
    if (answers === undefined) {
      size = Math.ceil(part.length / 2)
      continue
    }
    const left = part.filter((_, at) => answers[at]?.state === 'busy')
    taken += answers.filter(({ state }) => state === 'taken').length
    for (const answer of answers) if (answer.state === 'refused') refusals.push(answer.reason)
    const reason = answers.find((answer) => answer.state === 'busy')?.reason ?? ''
    if (left.length > 0 && ++busy >= BUSY_MAX) throw new Problem('unavailable', reason)
    waiting = [...left, ...waiting.slice(part.length)]
  }
  return { taken, refusals }
}

/** After this the receiver is given more time than between two requests. */
const BUSY_MAX = 3
