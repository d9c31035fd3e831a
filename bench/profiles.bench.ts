import { execFileSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import type { NewBatch } from '#inference'
import { driftHistory, referenceOfSpan } from '#monitoring'
import type { PredictionLog } from '#serving'
import { addNumbers, emptySketch, encodeSketch } from '#sketches'
import { openAnalytics } from '#stores/analytics/duckdb/index'
import { segmentFiles } from '#stores/analytics/duckdb/segments'
import { openJournal, openSource } from '#stores/journal/index'
import { openLocalObjects } from '#stores/objects/local'
import { openPredictionLog, openRecorded } from '#stores/predictions/index'
import { monitorsBin } from '../tests/support/python.ts'
import { tell } from './figures.ts'

// What it costs to know every hour of every feature: predictions logged durably with profiles on, a profile beside
// whylogs' of the same rows, and the hour of 1,000 endpoints with 100 features each: profiled, and judged as a window.

const HOUR_MS = 3_600_000

/** Rows of 20 numbers, 64 in a request, that are logged. */
const LOGGED_ROWS = Number(process.env['ORRERY_BENCH_LOGGED'] ?? 200_000)
const ROWS_A_REQUEST = 64
const AT_ONCE = 64

/** Rows of 20 columns of the profile beside whylogs. */
const PROFILED_ROWS = Number(process.env['ORRERY_BENCH_ROWS'] ?? 500_000)

/** So many of the 1,000 endpoints are played, with so many rows in the hour; the figure is for all. */
const ENDPOINTS = Number(process.env['ORRERY_BENCH_ENDPOINTS'] ?? 30)
const ENDPOINTS_MEANT = 1000
const FEATURES = 100
const ROWS_AN_HOUR = 1000

const logger = pino({ level: 'error' })
let seed = 7
function next(): number {
  seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0
  return seed / 2 ** 32
}

let made = 0
function batch(
  endpoint: string,
  of: { columns: readonly string[]; rows: number; hour: number },
): NewBatch {
  const eventMs = of.hour * HOUR_MS + 1
  return {
    id: `01JD8Z${String(made++).padStart(20, '0')}`,
    endpoint,
    digest: null,
    atMs: eventMs,
    latencyMs: 1 + next(),
    columns: of.columns,
    rows: Array.from({ length: of.rows }, () => ({
      eventMs,
      key: null,
      inputs: of.columns.map(next),
    })),
    answers: [{ revision, outputs: [Array.from({ length: of.rows }, next)] }],
  }
}

const revision = {
  number: 1,
  role: 'live' as const,
  modelVersion: 'late/1',
  outputs: [{ name: 'score', type: 'float64' as const }],
}

function cpuMs(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}

async function within<T>(work: (at: Awaited<ReturnType<typeof opened>>) => Promise<T>): Promise<T> {
  const at = await opened()
  try {
    return await work(at)
  } finally {
    await at.close()
  }
}

async function opened() {
  const home = await mkdtemp(join(tmpdir(), 'orrery-bench-'))
  const [file, folder] = [join(home, 'predictions.db'), join(home, 'journal')]
  const analytics = openAnalytics({ memoryMb: 256, threads: 1 })
  const log = openPredictionLog({
    file,
    folder: join(home, 'segments'),
    objects: await openLocalObjects(join(home, 'objects')),
    files: segmentFiles(analytics),
    journal: { source: openSource(folder), logger },
  })
  const recorded = openRecorded({ file, sealed: async () => undefined })
  const journal = openJournal({ folder, ingested: recorded, syncMs: 50, logger })
  const close = async () => {
    await journal.close()
    recorded.close()
    await log.close()
    await analytics.close()
    await rm(home, { recursive: true, force: true })
  }
  return { log, journal, close }
}

const all = { fromMs: 0, toMs: 9e15 }

/** From the request's rows in memory to the profile of their hour: written and synced, taken over, profiled. */
async function logged(): Promise<void> {
  const columns = Array.from({ length: 20 }, (_, index) => `column_${index}`)
  await within(async ({ log, journal }) => {
    const costs = { journal: 0, log: 0, profiles: 0 }
    const beganMs = performance.now()
    let waitedMs = 0
    let durableMs = 0
    for (let rows = 0; rows < LOGGED_ROWS; rows += ROWS_A_REQUEST * AT_ONCE) {
      const madeMs = performance.now()
      const batches = Array.from({ length: AT_ONCE }, () =>
        batch('flights', { columns, rows: ROWS_A_REQUEST, hour: 1 }),
      )
      waitedMs += performance.now() - madeMs
      const from = cpuMs()
      // Durable: each is answered for when it is on the disk, and those that come together share a sync.
      const sentMs = performance.now()
      await Promise.all(batches.map((each) => journal.append(each, { durable: true })))
      durableMs += performance.now() - sentMs
      costs.journal += cpuMs() - from
    }
    const taking = cpuMs()
    await log.watermark('flights')
    costs.log = cpuMs() - taking
    const profiling = cpuMs()
    await told(log, 'flights')
    costs.profiles = cpuMs() - profiling
    const seconds = (performance.now() - beganMs - waitedMs) / 1000
    const a = (ms: number) => `${((1000 * ms) / LOGGED_ROWS).toFixed(2)} µs`
    const sum = costs.journal + costs.log + costs.profiles
    console.log(
      `a row of 20 numbers, ${ROWS_A_REQUEST} in a request: ${a(sum)} of CPU (${a(costs.journal)} durably in the journal, ${a(costs.log)} in the log, ${a(costs.profiles)} in profiles), ${Math.round(LOGGED_ROWS / seconds)} rows/s from the request to the profile`,
    )
    tell({
      what: 'rows logged durably',
      unit: 'rows/s',
      orrery: (1000 * LOGGED_ROWS) / durableMs,
      peer: 50_000,
      peerName: 'the goal',
      better: 'higher',
    })
    tell({
      what: 'a row logged durably, with profiles',
      unit: 'µs of CPU',
      orrery: (1000 * sum) / LOGGED_ROWS,
      peer: 10,
      peerName: 'the goal',
      better: 'lower',
    })
  })
}

async function told(log: PredictionLog, endpoint: string): Promise<number> {
  let rows = 0
  for await (const hour of log.profiles(endpoint, all)) rows += hour.rows
  return rows
}

/** The sketch of a column of numbers that all differ, which is the dearest, beside whylogs of the same. */
function profiled(): void {
  const columns = Array.from({ length: 20 }, () =>
    Float64Array.from({ length: PROFILED_ROWS }, next),
  )
  const from = cpuMs()
  let bytes = 0
  for (const column of columns) {
    const sketch = emptySketch()
    addNumbers(sketch, column)
    bytes += encodeSketch(sketch).length
  }
  const ours = cpuMs() - from
  console.log(
    `sketches of ${PROFILED_ROWS} rows × 20 numbers: ${((1e6 * ours) / (20 * PROFILED_ROWS)).toFixed(0)} ns a value, ${Math.round(bytes / 20)} bytes a column`,
  )
  const peer = Number(
    execFileSync(join(monitorsBin(), 'python'), ['-c', WHYLOGS, String(PROFILED_ROWS)], {
      encoding: 'utf8',
      env: { ...process.env, WHYLOGS_NO_ANALYTICS: 'True' },
    }),
  )
  tell({
    what: 'profile of 20 columns of numbers in memory',
    unit: 'ms of CPU',
    orrery: ours,
    peer,
    peerName: 'whylogs',
    better: 'lower',
  })
}

const WHYLOGS = `
import sys, time
import numpy, pandas
import whylogs
rows = int(sys.argv[1])
random = numpy.random.default_rng(7)
frame = pandas.DataFrame({f'column_{i}': random.random(rows) for i in range(20)})
began = time.process_time()
whylogs.log(frame).profile().view()
print((time.process_time() - began) * 1000)
`

/** Profiles an hour of some endpoints, then judges it as a window: the share of a core that 1,000 of them need. */
async function watched(): Promise<void> {
  const columns = Array.from({ length: FEATURES }, (_, index) => `feature_${index}`)
  const names = Array.from({ length: ENDPOINTS }, (_, index) => `endpoint_${index}`)
  await within(async ({ log, journal }) => {
    const answer = async (hour: number) => {
      for (const name of names)
        for (let rows = 0; rows < ROWS_AN_HOUR; rows += 100)
          await journal.append(batch(name, { columns, rows: 100, hour }))
      await log.watermark(names[0] as string)
    }
    await answer(1)
    const hours = await Array.fromAsync(log.profiles(names[0] as string, all))
    const reference = referenceOfSpan(hours, { modelVersion: 'late/1', windowMs: HOUR_MS })
    if (reference === undefined) throw new Error('the hour has predictions')
    for (const name of names) await told(log, name)
    await answer(2)
    const from = cpuMs()
    for (const name of names) await told(log, name)
    const profiling = cpuMs() - from
    const judging = cpuMs()
    for (const endpoint of names) {
      const windows = await Array.fromAsync(
        driftHistory({
          endpoint,
          hours: log.profiles(endpoint, { fromMs: 2 * HOUR_MS, toMs: 3 * HOUR_MS }),
          sizeMs: HOUR_MS,
          monitor,
          reference: async () => ({ state: 'known', reference }),
        }),
      )
      if (windows[0]?.predictions !== ROWS_AN_HOUR) throw new Error('each row is in its window')
    }
    const judged = cpuMs() - judging
    const share = (ms: number) => (100 * ms * (ENDPOINTS_MEANT / ENDPOINTS)) / HOUR_MS
    console.log(
      `an hour of ${ROWS_AN_HOUR} rows × ${FEATURES} features at ${ENDPOINTS} endpoints: ${(profiling / ENDPOINTS).toFixed(0)} ms of CPU each to profile, ${(judged / ENDPOINTS).toFixed(0)} ms to judge`,
    )
    tell({
      what: `${ENDPOINTS_MEANT} endpoints × ${FEATURES} features, an hour profiled and judged`,
      unit: '% of a core',
      orrery: share(profiling + judged),
      peer: 20,
      peerName: 'the goal',
      better: 'lower',
    })
  })
}

const monitor = { min_samples: 50, drift: { alert_share: 0.3, persistence: { windows: 2, of: 3 } } }

await logged()
profiled()
await watched()
