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

const columns = Array.from({ length: 20 }, (_, index) => `column_${index}`)
const revision = {
  number: 1,
  role: 'live' as const,
  modelVersion: 'late/1',
  outputs: [{ name: 'score', type: 'float32' as const }],
}

let made = 0
function batch(): NewBatch {
  const number = made++
  const atMs = 1_760_000_000_000 + number
  const inputs = columns.map((_, index) => Math.fround(Math.sin(number * 31 + index) * 100))
  return {
    id: `01JD8Z${String(number).padStart(20, '0')}`,
    endpoint: 'flights',
    digest: null,
    atMs,
    latencyMs: 1.25,
    columns,
    rows: [{ eventMs: atMs, key: null, inputs }],
    answers: [{ revision, outputs: [[Math.fround(Math.sin(number))]] }],
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
  const turns = Array.from({ length: TURNS }, () => Array.from({ length: PER_TURN }, batch))
  const began = process.cpuUsage()
  for (const turn of turns) await Promise.all(turn.map(append))
  const { user, system } = process.cpuUsage(began)
  return (user + system) / (TURNS * PER_TURN)
}

try {
  await (await open()).close()
  const recorded = openRecorded({ file, sealed: async () => undefined })
  const journal = openJournal({ folder, ingested: recorded, syncMs: 50, logger })
  const turn = () => new Promise((resolve) => setImmediate(resolve))
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

  const log = await open()
  const predictions = ROUNDS * TURNS * PER_TURN
  const [beganMs, began] = [performance.now(), process.cpuUsage()]
  await log.watermark('flights')
  const seconds = (performance.now() - beganMs) / 1000
  const { user, system } = process.cpuUsage(began)
  console.log(
    `taken over into the log: ${Math.round(predictions / seconds)} predictions/s, ${((user + system) / predictions).toFixed(1)} µs of CPU each`,
  )
  await log.close()
} finally {
  await analytics.close()
  await rm(home, { recursive: true, force: true })
}
