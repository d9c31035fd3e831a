import type { Logger } from '#base/logger'
import { messageOf, Problem } from '#base/problem'
import { checkRows } from './models/deployment.ts'
import { castRows } from './rows/cast.ts'
import { feedsOfRows, planFeeds, type FeedPlan } from './rows/feeds.ts'
import { versionName } from './model-source.ts'
import type { Runtime, ServingProcess } from './runtime.ts'
import type { Placed } from './table.ts'
import { rowsOf, type Value } from './tensor.ts'

export type Row = Readonly<Record<string, Value>>

/** Runs model versions over rows, apart from endpoints and unlogged: for checks and comparisons. */
export interface Scoring {
  /** Each output by name, for each row. Throws as a prediction does. */
  score(placed: Placed, rows: readonly Row[]): Promise<Record<string, Value>[]>
  stop(): Promise<void>
}

/** A process that nobody asked for so long is ended. */
const IDLE_MS = 60_000

/** A comparison needs two; more would only cost memory. */
const PROCESSES_MAX = 2

/** Rows of one run: many enough to be fast, few enough that a run stays far from its time limit. */
const ROWS_PER_RUN = 2000

interface Scorer {
  readonly key: string
  readonly started: Promise<{ process: ServingProcess; plan: FeedPlan }>
  uses: number
  idle: NodeJS.Timeout | undefined
}

interface Dependencies {
  readonly runtime: Runtime
  readonly timeoutMs: number
  readonly logger: Logger
}

export function createScoring(dependencies: Dependencies): Scoring {
  const { logger } = dependencies
  /** Least recently used first. */
  let scorers: Scorer[] = []

  const end = async (scorer: Scorer) => {
    scorers = scorers.filter((each) => each !== scorer)
    clearTimeout(scorer.idle)
    try {
      await (await scorer.started).process.stop()
    } catch (error) {
      logger.debug({ scorer: scorer.key, error: messageOf(error) }, 'nothing to end')
    }
  }

  const take = (placed: Placed): Scorer => {
    const key = versionName(placed.servable)
    const scorer = scorers.find((each) => each.key === key) ?? {
      key,
      started: start(dependencies, placed),
      uses: 0,
      idle: undefined,
    }
    scorer.uses += 1
    clearTimeout(scorer.idle)
    scorers = [...scorers.filter((each) => each !== scorer), scorer]
    scorer.started.catch(() => {
      scorers = scorers.filter((each) => each !== scorer)
    })
    for (const other of scorers.slice(0, -PROCESSES_MAX)) if (other.uses === 0) void end(other)
    return scorer
  }

  const release = (scorer: Scorer) => {
    scorer.uses -= 1
    if (scorer.uses === 0) scorer.idle = setTimeout(() => void end(scorer), IDLE_MS).unref()
  }

  return {
    score: async (placed, rows) => {
      const scorer = take(placed)
      try {
        const { process, plan } = await scorer.started
        const scored: Record<string, Value>[] = []
        for (let from = 0; from < rows.length; from += ROWS_PER_RUN)
          scored.push(
            ...(await run(process, scorer.key, plan, rows.slice(from, from + ROWS_PER_RUN))),
          )
        return scored
      } finally {
        release(scorer)
      }
    },
    stop: async () => {
      await Promise.all(scorers.map(end))
    },
  }
}

async function start(
  { runtime, timeoutMs }: Dependencies,
  { servable, files }: Placed,
): Scorer['started'] {
  const key = versionName(servable)
  const process = await runtime.start({
    name: `scoring ${key}`,
    models: [{ ...files, key, optional: false }],
    timeoutMs,
  })
  const shape = process.shapes.get(key)
  if (shape === undefined) throw new Problem('unavailable', `model ${key} was not loaded`)
  return { process, plan: planFeeds(shape, servable.columns, servable.tensors) }
}

/** Answers for each row; rows that lack a column are run apart from those that have it, as they were asked. */
async function run(
  process: ServingProcess,
  key: string,
  plan: FeedPlan,
  rows: readonly Row[],
): Promise<Record<string, Value>[]> {
  const scored: Record<string, Value>[] = []
  for (const [columns, places] of placesByColumns(rows)) {
    const values = places.map((at) => columns.map((column) => rows[at]?.[column] ?? null))
    // Whole numbers that JSON would round are texts in the log, from which rows come.
    const cast = castRows(plan, { columns, rows: values })
    const outputs = await process.infer(key, feedsOfRows(plan, cast), { role: 'live' })
    checkRows(outputs, places.length, key)
    const named = outputs.map((output) => ({ name: output.name, values: rowsOf(output) }))
    for (const [index, at] of places.entries())
      scored[at] = Object.fromEntries(
        named.map(({ name, values: all }) => [name, all[index] ?? null]),
      )
  }
  return scored
}

function placesByColumns(rows: readonly Row[]): (readonly [readonly string[], number[]])[] {
  const groups = new Map<string, readonly [readonly string[], number[]]>()
  for (const [at, row] of rows.entries()) {
    const columns = Object.keys(row)
    const mark = JSON.stringify(columns.toSorted())
    const [, places] = groups.get(mark) ?? [columns, []]
    places.push(at)
    if (places.length === 1) groups.set(mark, [columns, places])
  }
  return [...groups.values()]
}
