import { fork } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import type { NewBatch } from '#inference'
import type { Truth } from '#serving'
import { openAnalytics } from '#stores/analytics/duckdb/index'
import { segmentFiles } from '#stores/analytics/duckdb/segments'
import { openJournal, openSource } from '#stores/journal/index'
import { openLocalObjects } from '#stores/objects/local'
import { openPredictionLog, openRecorded } from '#stores/predictions/index'

// Late truths to predictions that are long sealed. The log is filled by the store's own code, without HTTP: journal, blocks,
// Parquet. Then other processes tell truths, a report of 10,000 after the other as a request brings them, and say what
// that took and their memory at its most. Sizes of a laptop by default; ORRERY_BENCH_PREDICTIONS, ORRERY_BENCH_TRUTHS.

const PREDICTIONS = Number(process.env['ORRERY_BENCH_PREDICTIONS'] ?? 1_000_000)
const TRUTHS = Number(process.env['ORRERY_BENCH_TRUTHS'] ?? PREDICTIONS / 10)
const ROWS_A_REQUEST = 1000
const SEALED_AT_ONCE = 1_000_000
const TRUTHS_A_REPORT = 10_000
const START = Date.UTC(2026, 0, 5)
const EVERY_MS = 10
const ENDPOINT = 'late'
const ORDERS = ['in time', 'mixed'] as const

const logger = pino({ level: 'error' })
const columns = ['amount', 'age', 'hour', 'visits', 'distance']
const revision = {
  number: 1,
  role: 'live' as const,
  modelVersion: 'late/1',
  outputs: [{ name: 'probability', type: 'float64' as const }],
}

// What waits for the disk or the other end of the journal keeps no process alive.
const alive = setInterval(() => undefined, 60_000)
const [stage, given] = process.argv.slice(2)
if (stage === undefined || given === undefined) await all()
else if (stage === 'fill') await fill(given)
else await tell(given, stage as (typeof ORDERS)[number])
clearInterval(alive)

/** Each stage in a process of its own, so that its memory is its own. */
async function all(): Promise<void> {
  const home = await mkdtemp(join(tmpdir(), 'orrery-truths-'))
  try {
    for (const next of ['fill', ...ORDERS]) {
      const [code] = (await once(fork(import.meta.filename, [next, home]), 'exit')) as [number]
      if (code !== 0) throw new Error(`the stage ${next} ended with ${code}`)
    }
  } finally {
    await rm(home, { recursive: true, force: true })
  }
}

async function open(home: string) {
  const analytics = openAnalytics({ memoryMb: 512, threads: 1 })
  const folder = join(home, 'journal')
  const file = join(home, 'predictions.db')
  const log = openPredictionLog({
    file,
    folder: join(home, 'segments'),
    objects: await openLocalObjects(join(home, 'objects')),
    files: segmentFiles(analytics),
    journal: { source: openSource(folder), logger },
  })
  const close = async () => {
    await log.close()
    await analytics.close()
  }
  return { log, file, folder, close }
}

/** Named as the process that answers names them: what is answered later comes later. */
function nameOf(request: number): string {
  return `01JEXAMPLE${String(request).padStart(16, '0')}`
}

function batch(request: number): NewBatch {
  const places = Array.from({ length: ROWS_A_REQUEST }, (_, row) => request * ROWS_A_REQUEST + row)
  const atMs = START + (places[0] as number) * EVERY_MS
  return {
    id: nameOf(request),
    endpoint: ENDPOINT,
    digest: null,
    atMs,
    latencyMs: 1.25,
    columns,
    rows: places.map((place) => ({
      eventMs: START + place * EVERY_MS,
      key: null,
      inputs: [place % 977, place % 90, place % 24, place % 13, (place % 4001) / 8],
    })),
    answers: [{ revision, outputs: [places.map((place) => (place % 100) / 100)] }],
  }
}

async function fill(home: string): Promise<void> {
  const { log, file, folder, close } = await open(home)
  const recorded = openRecorded({ file, sealed: async () => undefined })
  const journal = openJournal({ folder, ingested: recorded, syncMs: 50, logger })
  const took = taking()
  for (let request = 0; request * ROWS_A_REQUEST < PREDICTIONS; request++) {
    await journal.append(batch(request))
    if (((request + 1) * ROWS_A_REQUEST) % SEALED_AT_ONCE !== 0) continue
    await log.watermark(ENDPOINT)
    await seal(log, 'predictions')
  }
  await log.watermark(ENDPOINT)
  await seal(log, 'predictions')
  await journal.close()
  recorded.close()
  await close()
  console.log(`predictions into the log and sealed: ${took(PREDICTIONS)}`)
}

async function seal(
  { sealing }: ReturnType<typeof openPredictionLog>,
  kind: 'predictions' | 'truths',
): Promise<void> {
  const segment = await sealing.begin(ENDPOINT, kind)
  if (segment !== undefined) await sealing.finish(await sealing.write(segment))
  while (await sealing.sweep(ENDPOINT)) await new Promise((resolve) => setImmediate(resolve))
}

async function tell(home: string, order: (typeof ORDERS)[number]): Promise<void> {
  const { log, close } = await open(home)
  // Every so many is true, and of the two stages each tells of others.
  const step = Math.max(2, Math.floor(PREDICTIONS / TRUTHS))
  const offset = ORDERS.indexOf(order)
  const count = order === 'in time' ? TRUTHS : Math.floor(TRUTHS / 10)
  const placeOf = (at: number) =>
    order === 'in time' ? at * step : ((at * 7919 * 127) % TRUTHS) * step + offset
  const tenths: string[] = []
  const took = taking()
  let [tenthMs, tenth] = [performance.now(), 0]
  for (let first = 0; first < count; first += TRUTHS_A_REPORT) {
    const length = Math.min(TRUTHS_A_REPORT, count - first)
    const truths = Array.from({ length }, (_, at): Truth => {
      const place = placeOf(first + at)
      const request = Math.floor(place / ROWS_A_REQUEST)
      const value = `${nameOf(request)}-${place % ROWS_A_REQUEST}`
      return { ref: { by: 'prediction', value }, label: place % 2, timeMs: null }
    })
    const { accepted, unknown } = await log.recordTruths(ENDPOINT, truths, START)
    if (accepted !== length || unknown !== 0)
      throw new Error(`of ${length} truths ${accepted} were new and ${unknown} found no prediction`)
    if ((first + length) % SEALED_AT_ONCE === 0) await seal(log, 'truths')
    if (((first + length) * 10) / count < tenth + 1) continue
    tenths.push(((performance.now() - tenthMs) / 1000).toFixed(1))
    tenth++
    tenthMs = performance.now()
  }
  await seal(log, 'truths')
  const hours = await log.summaries(ENDPOINT, { per: 'month' })
  const labels = hours.reduce((sum, hour) => sum + hour.labels, 0)
  console.log(
    `${count} truths to ${PREDICTIONS} predictions, ${order}: ${took(count)}; seconds of each tenth ${tenths.join(', ')}; ${labels} predictions have one`,
  )
  await close()
}

function taking(): (rows: number) => string {
  const startMs = performance.now()
  const cpu = process.cpuUsage()
  return (rows) => {
    const seconds = (performance.now() - startMs) / 1000
    const { user, system } = process.cpuUsage(cpu)
    const [, peak] = /VmHWM:\s+(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8')) ?? []
    return `${seconds.toFixed(1)} s, ${Math.round(rows / seconds)} rows/s, ${((user + system) / rows).toFixed(1)} µs of CPU a row, memory at its most ${Math.round(Number(peak) / 1024)} MiB`
  }
}
