import type { Chance } from '../../support/random.ts'
import { sure, type Client } from '../kill/client.ts'
import type { Workload } from '../kill/workload.ts'

const API = '/api/2.0/mlflow'
const KEY = 'loss'
/** A series is packed into blocks from 8,192 points on; this far it meets that several times. */
const POINTS_MAX = 20_000
const BATCH_MAX = 1000
const LATE_SHARE = 0.1
/** Where time begins; each point has a time of its own, and late ones come before what is packed already. */
const BEGUN_MS = 1_700_000_000_000
const LATE_MS = 3_000

interface Point {
  readonly key: string
  readonly step: number
  readonly value: number
  readonly timestamp: number
}

interface Batch {
  readonly points: readonly Point[]
  sure: boolean
}

interface Series {
  readonly run: string
  readonly batches: Batch[]
  steps: number
}

interface HistoryPage {
  readonly metrics?: readonly { step: number | string; value: number; timestamp: number | string }[]
  readonly next_page_token?: string
}

/** Clients that log long series in large batches, and send again what was not answered, as MLflow's do. */
export function seriesWorkload(chance: Chance, { clients }: { clients: number }): Workload {
  const chances = Array.from({ length: clients }, () => chance.fork())
  const open = new Map<number, Series>()
  const all: Series[] = []

  const check = async (client: Client, series: Iterable<Series>) => {
    const wrong: string[] = []
    for (const each of series) wrong.push(...(await differencesOf(client, each)))
    return wrong
  }
  return {
    name: 'series',
    prepare: async () => {},
    write: async (client, signal) => {
      await Promise.all(
        chances.map(async (own, at) => {
          while (!signal.aborted) {
            const series = open.get(at) ?? (await newSeries(client))
            if (series === undefined) return
            if (!open.has(at)) all.push(series)
            open.set(at, series)
            if (!(await log(client, series, own))) return
            if (series.steps >= POINTS_MAX) open.delete(at)
          }
        }),
      )
    },
    settle: (client) => check(client, open.values()),
    review: (client) => check(client, all),
    counts: () => ({
      'long series': all.length,
      'points of long series': all
        .flatMap(({ batches }) => batches.filter((batch) => batch.sure))
        .reduce((sum, { points }) => sum + points.length, 0),
    }),
  }
}

async function newSeries(client: Client): Promise<Series | undefined> {
  const created = await client.post<{ run: { info: { run_id: string } } }>(`${API}/runs/create`, {
    experiment_id: '0',
    start_time: Date.now(),
  })
  if (!created.answered) return undefined
  return { run: created.value.run.info.run_id, batches: [], steps: 0 }
}

async function log(client: Client, series: Series, chance: Chance): Promise<boolean> {
  const doubtful = series.batches.find((batch) => !batch.sure)
  const batch = doubtful ?? newBatch(series, chance)
  if (doubtful === undefined) series.batches.push(batch)
  const body = { run_id: series.run, metrics: batch.points }
  const { answered } = await client.post(`${API}/runs/log-batch`, body)
  batch.sure = answered
  return answered
}

function newBatch(series: Series, chance: Chance): Batch {
  const lateMs = chance.next() < LATE_SHARE ? LATE_MS : 0
  const length = chance.pick([1, 10, BATCH_MAX, BATCH_MAX])
  const points = Array.from({ length }, () => {
    const step = series.steps++
    return { key: KEY, step, value: chance.next(), timestamp: BEGUN_MS + step - lateMs }
  })
  return { points, sure: false }
}

async function differencesOf(client: Client, series: Series): Promise<string[]> {
  const kept = await historyOf(client, series.run)
  const name = `series ${series.run}`
  const wrong: string[] = []
  const found = new Map<number, Point>()
  for (const [at, point] of kept.entries()) {
    if (found.has(point.step)) wrong.push(`${name}: step ${point.step} is there twice`)
    found.set(point.step, point)
    const before = kept[at - 1]
    if (before !== undefined && !isBefore(before, point))
      wrong.push(`${name}: step ${point.step} comes after step ${before.step}`)
  }
  let told = 0
  for (const { points, sure: isSure } of series.batches) {
    const there = points.filter((point) => isLike(found.get(point.step), point)).length
    told += there
    if (there !== points.length && (isSure || there > 0))
      wrong.push(
        `${name}: of ${points.length} points from step ${points[0]?.step} on, ${isSure ? 'acknowledged' : 'in doubt'}, ${there} are there`,
      )
  }
  if (told !== kept.length) wrong.push(`${name}: ${kept.length} points are there, ${told} are ours`)
  return wrong
}

async function historyOf(client: Client, run: string): Promise<Point[]> {
  const points: Point[] = []
  let token = ''
  do {
    const asked = `run_id=${run}&metric_key=${KEY}&max_results=7000&page_token=${token}`
    const page = sure(await client.get<HistoryPage>(`${API}/metrics/get-history?${asked}`))
    for (const { step, value, timestamp } of page.metrics ?? [])
      points.push({ key: KEY, step: Number(step), value, timestamp: Number(timestamp) })
    token = encodeURIComponent(page.next_page_token ?? '')
  } while (token !== '')
  return points
}

function isBefore(a: Point, b: Point): boolean {
  return a.timestamp < b.timestamp || (a.timestamp === b.timestamp && a.step < b.step)
}

function isLike(a: Point | undefined, b: Point): boolean {
  return a !== undefined && a.value === b.value && a.timestamp === b.timestamp
}
