import { messageOf, Problem } from '#base/problem'
import type { Logged } from '#inference'
import type { PredictionQueries, PredictionRow } from '#serving'
import type { Replay, ReplayResult, Spread } from './replay.ts'
import { reportOf, type ReplayedRow } from './report.ts'
import { seededDraws } from '#base/seeded'
import { quantilesOf } from './statistics.ts'

export type Inputs = Readonly<Record<string, Logged>>

/** What a version answers to logged inputs, apart from any endpoint. Throws `invalid` for inputs that it refuses. */
export type Answer = (
  model: string,
  version: number,
  rows: readonly Inputs[],
) => Promise<readonly Readonly<Record<string, Logged>>[]>

export interface Running {
  readonly predictions: Pick<PredictionQueries, 'window'>
  readonly answer: Answer
  /** Milliseconds of a clock that never goes back. */
  readonly tickMs: () => number
  /** Told how far it is; throws to end it. */
  readonly onProgress: (done: number, total: number) => Promise<void>
}

const PAGE = 10_000
const ROWS_AT_ONCE = 1000
const SINGLE_ROWS = 50
const REFUSALS_MAX = 5

/** Runs the candidate on what was logged, and compares. */
export async function run(replay: Replay, running: Running): Promise<ReplayResult> {
  const { rows, logged } = await drawnRows(replay, running)
  const { answers, refusals } = await answersTo(replay, rows, running)
  const replayed = rows.flatMap((row, index): ReplayedRow[] => {
    const candidate = answers[index]
    if (candidate === undefined) return []
    const { inputs, outputs: live, modelVersion: answeredBy, latencyMs, label } = row
    const known = typeof label === 'bigint' ? String(label) : label
    return [{ inputs, live, answeredBy, candidate, latencyMs, label: known }]
  })
  const lives = replayed.map(({ latencyMs }) => latencyMs)
  return {
    report: reportOf(replayed, replay.options),
    logged,
    refused: rows.length - replayed.length,
    refusals,
    latency: {
      live: spreadOf(lives),
      candidate: spreadOf(await singleMs(replay, replayed, running)),
    },
  }
}

/** All live rows of the span; of more than the limit so many, each as likely as the other, the same each time. */
async function drawnRows(
  { endpoint, options }: Replay,
  { predictions, onProgress }: Running,
): Promise<{ rows: PredictionRow[]; logged: number }> {
  const { fromMs, toMs, limit } = options
  const draw = seededDraws(limit)
  const rows: { row: PredictionRow; place: number }[] = []
  let logged = 0
  let after: string | undefined
  do {
    const page = await predictions.window(endpoint, {
      fromMs,
      toMs,
      role: 'live',
      limit: PAGE,
      ...(after === undefined ? {} : { after }),
    })
    for (const row of page.rows) {
      const at = rows.length < limit ? rows.length : Math.floor(draw() * (logged + 1))
      if (at < limit) rows[at] = { row, place: logged }
      logged += 1
    }
    await onProgress(0, rows.length)
    after = page.next ?? undefined
  } while (after !== undefined)
  return {
    rows: rows.toSorted((one, other) => one.place - other.place).map(({ row }) => row),
    logged,
  }
}

/** What the candidate says to each row; undefined where it refuses it. */
async function answersTo(
  { model, version }: Replay,
  rows: readonly PredictionRow[],
  { answer, onProgress }: Running,
): Promise<{ answers: (Inputs | undefined)[]; refusals: string[] }> {
  const answers: (Inputs | undefined)[] = []
  const refusals: string[] = []
  const ask = async (some: readonly PredictionRow[]): Promise<(Inputs | undefined)[]> => {
    try {
      return [
        ...(await answer(
          model,
          version,
          some.map(({ inputs }) => inputs),
        )),
      ]
    } catch (error) {
      if (!(error instanceof Problem) || error.code !== 'invalid') throw error
      if (some.length === 1) {
        if (refusals.length < REFUSALS_MAX) refusals.push(`${some[0]?.id}: ${messageOf(error)}`)
        return [undefined]
      }
      const middle = some.length >> 1
      return [...(await ask(some.slice(0, middle))), ...(await ask(some.slice(middle)))]
    }
  }
  for (let from = 0; from < rows.length; from += ROWS_AT_ONCE) {
    answers.push(...(await ask(rows.slice(from, from + ROWS_AT_ONCE))))
    await onProgress(answers.length, rows.length)
  }
  return { answers, refusals }
}

async function singleMs(
  { model, version }: Replay,
  rows: readonly ReplayedRow[],
  { answer, tickMs }: Running,
): Promise<number[]> {
  const took: number[] = []
  for (const { inputs } of rows.slice(0, SINGLE_ROWS)) {
    const startedMs = tickMs()
    await answer(model, version, [inputs])
    took.push(tickMs() - startedMs)
  }
  return took
}

function spreadOf(values: readonly number[]): Spread | null {
  const [p50, p90, p99] = quantilesOf(values, [0.5, 0.9, 0.99])
  return p50 === undefined || p90 === undefined || p99 === undefined ? null : { p50, p90, p99 }
}
