import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { serialize } from 'node:v8'
import { crc32 } from 'node:zlib'
import { pino } from 'pino'
import type { NewBatch } from '#inference'
import { openAnalytics } from '#stores/analytics/duckdb/index'
import { segmentFiles } from '#stores/analytics/duckdb/segments'
import { openJournal, openSource } from '#stores/journal/index'
import { openLocalObjects } from '#stores/objects/local'
import { openPredictionLog, openRecorded } from '#stores/predictions/index'
import { median, tell } from './figures.ts'

// What logging costs whoever answers: one-row predictions of 20 floats, 64 of them in each turn of the event loop,
// against the same turns without a journal; and how fast the log takes them over. The peer of a record is the same
// one made by JSON and by v8.serialize.

const TURNS = 500
const PER_TURN = 64
const ROUNDS = 7
/** Requests of many rows, of which there are fewer. */
const ROWS = 64
const REQUESTS_OF_MANY = 6400

const columns = Array.from({ length: 20 }, (_, index) => `column_${index}`)
const revision = {
  number: 1,
  role: 'live' as const,
  modelVersion: 'late/1',
  outputs: [{ name: 'score', type: 'float32' as const }],
}

let made = 0
let seed = 7
/** Numbers that no codec finds a pattern in. */
function next(): number {
  seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0
  return Math.fround(seed / 2 ** 30 - 2)
}

function batch(rows = 1): NewBatch {
  const number = made++
  const atMs = 1_760_000_000_000 + number
  return {
    id: `01JD8Z${String(number).padStart(20, '0')}`,
    endpoint: 'flights',
    digest: null,
    atMs,
    latencyMs: 1.25,
    columns,
    rows: Array.from({ length: rows }, () => ({
      eventMs: atMs,
      key: null,
      inputs: columns.map(next),
    })),
    answers: [{ revision, outputs: [Array.from({ length: rows }, next)] }],
  }
}

const home = await mkdtemp(join(tmpdir(), 'orrery-bench-'))
const folder = join(home, 'journal')
const file = join(home, 'predictions.db')
const logger = pino({ level: 'error' })
const analytics = openAnalytics({ memoryMb: 256, threads: 1 })
const open = async () =>
  openPredictionLog({
    file,
    folder: join(home, 'segments'),
    objects: await openLocalObjects(join(home, 'objects')),
    files: segmentFiles(analytics),
    journal: { source: openSource(folder), logger },
  })

/** Microseconds of CPU of this process for each prediction. */
async function costUs(append: (batch: NewBatch) => Promise<unknown>): Promise<number> {
  const turns = Array.from({ length: TURNS }, () => Array.from({ length: PER_TURN }, () => batch()))
  const began = process.cpuUsage()
  for (const turn of turns) await Promise.all(turn.map(append))
  const { user, system } = process.cpuUsage(began)
  return (user + system) / (TURNS * PER_TURN)
}

function cpuUs(): number {
  const { user, system } = process.cpuUsage()
  return user + system
}

/** Has the log take over and seal what the journal holds, and tells what a request costs. */
async function takeOver(what: string, requests: number): Promise<void> {
  const log = await open()
  const [beganMs, began] = [performance.now(), cpuUs()]
  await log.watermark('flights')
  const seconds = (performance.now() - beganMs) / 1000
  const taken = cpuUs()
  for await (const hour of log.profiles('flights', { fromMs: 0, toMs: 9e15 })) void hour
  const profiled = cpuUs()
  for (;;) {
    const segment = await log.sealing.begin('flights', 'predictions')
    if (segment === undefined) break
    await log.sealing.finish(await log.sealing.write(segment))
  }
  const sealed = cpuUs()
  while (await log.sealing.sweep('flights')) await turn()
  const per = (from: number, to: number) => `${((to - from) / requests).toFixed(1)} µs`
  console.log(
    `requests ${what}, CPU of each: ${per(began, taken)} to take over (${Math.round(requests / seconds)} requests/s), ${per(taken, profiled)} to profile, ${per(profiled, sealed)} to seal, ${per(sealed, cpuUs())} to sweep`,
  )
  await log.close()
}

async function logMany(): Promise<void> {
  const recorded = openRecorded({ file, sealed: async () => undefined })
  const journal = openJournal({ folder, ingested: recorded, syncMs: 50, logger })
  const batches = Array.from({ length: 64 }, () => batch(ROWS))
  const began = cpuUs()
  for (let sent = 0; sent < REQUESTS_OF_MANY; sent += batches.length)
    await Promise.all(
      batches.map((each, index) =>
        journal.append({ ...each, id: `01JD8Z${String(made + sent + index).padStart(20, '0')}` }),
      ),
    )
  const cost = (cpuUs() - began) / REQUESTS_OF_MANY
  console.log(`a request of ${ROWS} rows into the journal, written: ${cost.toFixed(1)} µs of CPU`)
  await journal.close()
  recorded.close()
}

const turn = () => new Promise((resolve) => setImmediate(resolve))

try {
  await (await open()).close()
  const recorded = openRecorded({ file, sealed: async () => undefined })
  const journal = openJournal({ folder, ingested: recorded, syncMs: 50, logger })
  const [withIt, without, json, v8]: number[][] = [[], [], [], []]
  for (let round = 0; round < ROUNDS; round++) {
    without?.push(await costUs(turn))
    withIt?.push(await costUs((each) => journal.append(each)))
    json?.push(
      await costUs((each) => {
        crc32(Buffer.from(JSON.stringify(each)))
        return turn()
      }),
    )
    v8?.push(
      await costUs((each) => {
        crc32(serialize(each))
        return turn()
      }),
    )
  }
  await journal.close()
  recorded.close()
  const [none, ours] = [median(without ?? []), median(withIt ?? [])]
  console.log(
    `CPU of a turn: ${none.toFixed(2)} µs a prediction without a journal, ${ours.toFixed(2)} µs with it written and synced`,
  )
  const figure = { unit: 'µs', orrery: ours - none, better: 'lower' as const }
  tell({
    ...figure,
    what: 'a prediction into the journal, written',
    peer: median(json ?? []) - none,
    peerName: 'JSON.stringify of it, not written',
  })
  tell({
    ...figure,
    what: 'a prediction into the journal, written',
    peer: median(v8 ?? []) - none,
    peerName: 'v8.serialize of it, not written',
  })

  await takeOver('of one row', ROUNDS * TURNS * PER_TURN)
  await logMany()
  await takeOver(`of ${ROWS} rows`, REQUESTS_OF_MANY)
} finally {
  await analytics.close()
  await rm(home, { recursive: true, force: true })
}
