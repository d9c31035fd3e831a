import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import BetterSqlite from 'better-sqlite3'
import { pino } from 'pino'
import { afterEach, expect, test } from 'vitest'
import { openAnalytics } from '#stores/analytics/duckdb/index'
import { segmentFiles } from '#stores/analytics/duckdb/segments'
import { openJournal, openSource } from '#stores/journal/index'
import { openLocalObjects } from '#stores/objects/local'
import type { LoggedRevision, NewBatch, Value } from '#inference'
import type { HourProfile, PredictionLog } from '#serving'
import { encodeSketches, numericCounts, summaryOf, type ColumnSketch } from '#sketches'
import { openPredictionLog, openRecorded } from './index.ts'

const undo: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (let step = undo.pop(); step !== undefined; step = undo.pop()) await step()
})

const HOUR = 3_600_000
const all = { fromMs: 0, toMs: 1000 * HOUR }

test('an hour is profiled by revision, with its late rows, whether requests share rows of the log or not', async () => {
  const { log, journal } = await open()
  const many = Array.from({ length: 60 }, (_, at) => batch(at, at < 40 ? 5 : 6))
  await Promise.all(many.map((each) => journal.append(each)))
  expect((await profilesOf(log)).map(toldOf)).toEqual(['5 late/1 80', '6 late/1 40'])
  await log.append({ ...batch(60, 5), digest: 'named' })
  await log.append(batch(61, 2, other))
  const found = await profilesOf(log)
  expect(found.map(toldOf)).toEqual(['2 late/2 2', '5 late/1 82', '6 late/1 40'])
  const [, hour] = found
  expect(summaryOf(sketchIn(hour?.inputs, 'delay'))).toMatchObject({ rows: 82, missing: 0 })
  expect(summaryOf(sketchIn(hour?.inputs, 'carrier')).frequent).toEqual([
    { text: 'AA', count: 41 },
    { text: 'UA', count: 41 },
  ])
  expect(summaryOf(sketchIn(hour?.outputs, 'score')).numbers).toMatchObject({ count: 82 })
  expect(summaryOf(hour?.latencyMs as ColumnSketch).numbers).toMatchObject({ mean: 1.25 })
})

test('lists have profiles of their elements, and what shadows say is in none', async () => {
  const { log } = await open()
  const lists = { ...revision, outputs: [{ name: 'p', type: 'float64' as const }] }
  const shadow = { ...revision, number: 9, role: 'shadow' as const }
  const rows = batch(0, 1)
  const said = [
    [
      [0.25, 0.75],
      [0.5, 0.5],
    ],
  ] as Value[][]
  const answers = [
    { revision: lists, outputs: said },
    { revision: shadow, outputs: [[1, 2]] },
  ]
  await log.append({ ...rows, answers })
  const [hour, ...more] = await profilesOf(log)
  expect(more).toEqual([])
  expect([...(hour?.outputs.keys() ?? [])]).toEqual(['p', 'p[0]', 'p[1]'])
  expect(summaryOf(sketchIn(hour?.outputs, 'p[1]')).numbers).toMatchObject({ min: 0.5, max: 0.75 })
})

test('only whole hours of the span are told, and an endpoint that nobody knows has none', async () => {
  const { log } = await open()
  for (const hour of [1, 2, 3]) await log.append(batch(hour, hour))
  expect((await profilesOf(log, { fromMs: HOUR + 1, toMs: 4 * HOUR - 1 })).map(toldOf)).toEqual([
    '2 late/1 2',
  ])
  expect(await Array.fromAsync(log.profiles('nobody', all))).toEqual([])
})

test('rows are swept after they are profiled, and profiles stay as they are', async () => {
  const { file, log, journal } = await open()
  const many = Array.from({ length: 60 }, (_, at) => batch(at, at % 3))
  await Promise.all(many.map((each) => journal.append(each)))
  await log.append(batch(60, 1))
  await seal(log)
  expect(counted(file, 'inputs')).toBe(0)
  const before = bytesOf(await profilesOf(log))
  expect(before).toHaveLength(3)
  await log.append(batch(61, 1))
  await seal(log)
  expect((await profilesOf(log)).map(toldOf)).toEqual(['0 late/1 40', '1 late/1 44', '2 late/1 40'])
})

test('a log from before there were profiles is profiled from its segments', async () => {
  const { home, file, log } = await open()
  for (let at = 0; at < 30; at++) await log.append(batch(at, at % 3))
  await seal(log)
  for (let at = 30; at < 40; at++) await log.append(batch(at, at % 3))
  const before = delaysOf(await profilesOf(log))
  await log.close()
  const database = new BetterSqlite(file)
  database.exec('delete from profiles; update endpoints set profiled_seq = 0')
  database.close()
  const again = await open(home)
  const told = (await profilesOf(again.log)).map(toldOf)
  expect(told).toEqual(['0 late/1 28', '1 late/1 26', '2 late/1 26'])
  expect(delaysOf(await profilesOf(again.log))).toEqual(before)
})

test('profiles are there after a restart, and nothing is added twice', async () => {
  const { home, log } = await open()
  await log.append(batch(0, 7))
  const before = bytesOf(await profilesOf(log))
  await log.close()
  const again = await open(home)
  expect(bytesOf(await profilesOf(again.log))).toEqual(before)
  await Promise.all([profilesOf(again.log), again.log.append(batch(1, 7)), profilesOf(again.log)])
  expect((await profilesOf(again.log)).map(toldOf)).toEqual(['7 late/1 4'])
})

const revision: LoggedRevision = {
  number: 1,
  role: 'live',
  modelVersion: 'late/1',
  outputs: [{ name: 'score', type: 'float32' }],
}
const other: LoggedRevision = { ...revision, number: 2, modelVersion: 'late/2' }

function batch(number: number, hour: number, by = revision): NewBatch {
  const eventMs = hour * HOUR + number
  return {
    id: `01JD8Z0000${String(number).padStart(16, '0')}`,
    endpoint: 'flights',
    digest: null,
    atMs: 1000,
    latencyMs: 1.25,
    columns: ['carrier', 'delay'],
    rows: [
      { eventMs, key: null, inputs: ['AA', number] },
      { eventMs, key: null, inputs: ['UA', number / 7] },
    ],
    answers: [{ revision: by, outputs: [[0.25, number]] }],
  }
}

test('what grows all the time is swept all the same, and a stop waits for no sweep', async () => {
  const { log } = await open()
  await log.append(batch(0, 1))
  const segment = await log.sealing.begin('flights', 'predictions')
  if (segment !== undefined) await log.sealing.finish(await log.sealing.write(segment))
  const grown = growing(log)
  await log.sealing.sweep('flights')
  const stop = new AbortController()
  const sweeping = log.sealing.sweep('flights', stop.signal)
  stop.abort(new Error('the server stops'))
  await expect(sweeping).rejects.toThrow('the server stops')
  await grown.stop()
}, 60_000)

/** More comes to the log than is read of it at a time, whenever nobody reads. */
function growing(log: PredictionLog): { stop(): Promise<void> } {
  let count = 0
  const full = new AbortController()
  const grow = async () => {
    while (!full.signal.aborted)
      // oxlint-disable-next-line no-await-in-loop -- it goes on for as long as the test does
      await Promise.all(Array.from({ length: 50 }, () => log.append(batch(++count, 1))))
  }
  const growth = grow()
  const stop = () => {
    full.abort()
    return growth
  }
  undo.push(stop)
  return { stop }
}

function profilesOf(log: PredictionLog, span = all): Promise<HourProfile[]> {
  return Array.fromAsync(log.profiles('flights', span))
}

function toldOf({ startMs, modelVersion, rows }: HourProfile): string {
  return `${startMs / HOUR} ${modelVersion} ${rows}`
}

/** In what order moments were added shows in their last digit. */
function delaysOf(profiles: readonly HourProfile[]) {
  return profiles.map(({ inputs }) => numericCounts(sketchIn(inputs, 'delay'), [1, 2.5, 5, 20]))
}

function bytesOf(profiles: readonly HourProfile[]) {
  return profiles.map(({ inputs, outputs }) => [encodeSketches(inputs), encodeSketches(outputs)])
}

function sketchIn(columns: HourProfile['inputs'] | undefined, name: string): ColumnSketch {
  return columns?.get(name) as ColumnSketch
}

async function seal(log: PredictionLog): Promise<void> {
  const segment = await log.sealing.begin('flights', 'predictions')
  if (segment !== undefined) await log.sealing.finish(await log.sealing.write(segment))
  while (await log.sealing.sweep('flights'));
}

function counted(file: string, table: string): number {
  const database = new BetterSqlite(file, { readonly: true })
  const count = database.prepare(`select count(*) from ${table}`).pluck().get() as number
  database.close()
  return count
}

async function open(given?: string) {
  const home = given ?? (await mkdtemp(join(tmpdir(), 'orrery-profiles-')))
  const folder = join(home, 'journal')
  const file = join(home, 'predictions.db')
  const logger = pino({ level: 'silent' })
  const analytics = openAnalytics({ memoryMb: 256, threads: 1 })
  const log = openPredictionLog({
    file,
    folder: join(home, 'segments'),
    objects: await openLocalObjects(join(home, 'objects')),
    files: segmentFiles(analytics),
    journal: { source: openSource(folder), logger },
  })
  const recorded = openRecorded({ file, sealed: log.findBatch })
  const journal = openJournal({ folder, ingested: recorded, syncMs: 50, logger })
  undo.push(
    analytics.close,
    () => log.close().catch(() => undefined),
    async () => recorded.close(),
    journal.close,
  )
  return { home, file, log, journal }
}
