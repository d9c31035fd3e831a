import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import BetterSqlite from 'better-sqlite3'
import { afterEach, expect, test } from 'vitest'
import { openAnalytics } from '#stores/analytics/duckdb/index'
import { segmentFiles } from '#stores/analytics/duckdb/segments'
import { openJournal, openSource } from '#stores/journal/index'
import { openLocalObjects } from '#stores/objects/local'
import type { LoggedRevision, NewBatch, Value } from '#inference'
import { openPredictionLog, openRecorded } from './index.ts'

const undo: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (let step = undo.pop(); step !== undefined; step = undo.pop()) await step()
})

const all = { fromMs: 0, toMs: 9e15 }
/** As many as make blocks. */
const MANY = 50

test('requests that nobody named share rows of the log, and are read as if each had its own', async () => {
  const { file, log, journal } = await open()
  const alone = await open()
  const batches = Array.from({ length: MANY }, (_, at) => batch(at))
  await Promise.all(batches.map((each) => journal.append(each)))
  for (const each of batches) await alone.log.append(each)
  const whole = await log.window('flights', all)
  expect(whole).toEqual(await alone.log.window('flights', all))
  expect(whole.rows).toHaveLength(2 * MANY)
  expect([counted(file, 'batches'), counted(file, 'blocks')]).toEqual([0, 1])
  for (const query of [
    { fromMs: 1005, toMs: 1012 },
    { ...all, revision: 2 },
    { ...all, role: 'shadow' as const },
  ])
    expect(await log.window('flights', query)).toEqual(await alone.log.window('flights', query))
  expect(await log.summaries('flights', { per: 'month' })).toEqual(
    await alone.log.summaries('flights', { per: 'month' }),
  )
  expect(await log.watermark('flights')).toBe(await alone.log.watermark('flights'))
  expect(counted(file, 'blocks')).toBe(1)
  expect(await log.findBatch(nameOf(7))).toEqual(await alone.log.findBatch(nameOf(7)))
})

test('windows and newest requests page through blocks and single requests without gap or repetition', async () => {
  const { log, journal } = await open()
  for (const from of [0, 100, 200]) {
    const these = Array.from({ length: MANY }, (_, at) => journal.append(batch(from + at)))
    await Promise.all([...these, journal.append({ ...batch(from + 90), digest: `d${from}` })])
    await log.watermark('flights')
  }
  const windowed: string[] = []
  for (let after: string | null | undefined = undefined; after !== null;) {
    const page: Awaited<ReturnType<typeof log.window>> = await log.window('flights', {
      ...all,
      limit: 7,
      ...(after === undefined ? {} : { after }),
    })
    windowed.push(...page.rows.map(({ id }) => id))
    after = page.next
  }
  const { rows } = await log.window('flights', all)
  expect(windowed).toEqual(rows.map(({ id }) => id))
  expect(new Set(windowed).size).toBe(2 * 3 * (MANY + 1))
  const newest: string[] = []
  for (let before: number | null | undefined = undefined; before !== null;) {
    const page: Awaited<ReturnType<typeof log.newest>> = await log.newest('flights', {
      limit: 5,
      ...(before === undefined ? {} : { before }),
    })
    newest.push(...page.rows.map(({ id }) => id))
    before = page.next
  }
  expect(newest.toSorted()).toEqual(windowed.toSorted())
})

test('one of a block is found by its name, takes its truth, its reward and what a shadow says late', async () => {
  const { file, log, journal } = await open()
  const early = { ref: { by: 'prediction' as const, value: `${nameOf(3)}-0` }, label: 1 }
  await log.recordTruths('flights', [{ ...early, timeMs: null }], 5)
  await Promise.all(Array.from({ length: MANY }, (_, at) => journal.append(batch(at))))
  expect(await log.find(`${nameOf(3)}-0`)).toMatchObject({ label: 1, inputs: { hour: 3 } })
  expect(await log.find(`${nameOf(3)}-2`)).toBeUndefined()
  expect(counted(file, 'blocks')).toBe(0)
  await Promise.all(Array.from({ length: MANY }, (_, at) => journal.append(batch(100 + at))))
  const ref = { by: 'prediction' as const, value: `${nameOf(104)}-1` }
  await journal.feedback('flights', [{ ref, source: 's', label: 2, reward: 0.5 }], 2000)
  expect(await log.rewards('flights', { sinceMs: 0 })).toMatchObject([{ revision: 1, count: 1 }])
  await Promise.all(Array.from({ length: MANY }, (_, at) => journal.append(batch(200 + at))))
  const shadow = { ...revision(2), role: 'shadow' as const }
  await journal.appendLate(nameOf(205), [{ revision: shadow, outputs: [[7, 8]] }])
  expect((await log.find(`${nameOf(205)}-1`))?.shadows).toMatchObject([{ outputs: { score: 8 } }])
  expect(await log.summaries('flights', { per: 'month' })).toMatchObject([
    { predictions: 6 * MANY, labels: 2 },
  ])
  // Where shadows speak, what they speak of is kept by itself.
  await Promise.all(Array.from({ length: MANY }, (_, at) => journal.append(batch(300 + at))))
  await log.watermark('flights')
  expect(counted(file, 'blocks')).toBe(0)
})

test('a name that lies in a block is not given away again, here and in the process that answers', async () => {
  const { file, log, journal, recorded } = await open()
  await Promise.all(Array.from({ length: MANY }, (_, at) => journal.append(batch(at))))
  await log.watermark('flights')
  expect(await recorded.findBatch(nameOf(9))).toMatchObject({ id: nameOf(9), digest: null })
  await Promise.all(Array.from({ length: MANY }, (_, at) => journal.append(batch(100 + at))))
  await log.watermark('flights')
  expect(counted(file, 'blocks')).toBe(1)
  await expect(log.append({ ...batch(105), digest: 'd' })).rejects.toMatchObject({ code: 'exists' })
})

test('blocks are sealed and swept, and what is kept of them leads to each prediction', async () => {
  const { home, file, log, journal } = await open()
  await Promise.all(Array.from({ length: MANY }, (_, at) => journal.append(batch(at))))
  await journal.append({ ...batch(60), digest: 'd' })
  const before = await log.window('flights', all)
  expect(await log.full(2 * MANY + 2)).toEqual([{ endpoint: 'flights', kind: 'predictions' }])
  const segment = await log.sealing.begin('flights', 'predictions')
  if (segment === undefined) throw new Error('there is something to seal')
  const written = await log.sealing.write(segment)
  expect(written).toMatchObject({ rows: 2 * (MANY + 1), fromMs: 1000, toMs: 1060 })
  await log.sealing.finish(written)
  expect(await log.window('flights', all)).toEqual(before)
  while (await log.sealing.sweep('flights')) await log.watermark('flights')
  expect(await log.window('flights', all)).toEqual(before)
  expect(counted(file, 'blocks where packed is not null')).toBe(0)
  await log.close()
  const again = await open(home)
  expect(await again.log.find(`${nameOf(8)}-1`)).toMatchObject({
    id: `${nameOf(8)}-1`,
    inputs: { carrier: 'AA', hour: 9 },
    outputs: { score: 9 },
  })
  expect(await again.log.full(1)).toEqual([])
  await Promise.all(Array.from({ length: MANY }, (_, at) => again.journal.append(batch(70 + at))))
  expect((await again.log.window('flights', all)).rows).toHaveLength(2 * (2 * MANY + 1))
})

test('truths of a block are counted once and leave it as it is, before and after it is sealed', async () => {
  const { file, log, journal } = await open()
  await Promise.all(Array.from({ length: MANY }, (_, at) => journal.append(batch(at))))
  const truth = (at: number, row: number, label: number) => ({
    ref: { by: 'prediction' as const, value: `${nameOf(at)}-${row}` },
    label,
    timeMs: null,
  })
  const some = [truth(9, 1, 1), truth(3, 0, 0), truth(9, 0, 1), truth(9, 1, 0)]
  const none = [truth(9, 2, 1), truth(MANY, 0, 1)]
  expect(await log.recordTruths('flights', [...some, ...none], 5)).toEqual({
    accepted: 5,
    unchanged: 0,
    replaced: 1,
    unknown: 2,
  })
  const labels = async () =>
    (await log.window('flights', all)).rows.flatMap(({ id, label }) =>
      label === null ? [] : [[id, label]],
    )
  const known = [
    [`${nameOf(3)}-0`, 0],
    [`${nameOf(9)}-0`, 1],
    [`${nameOf(9)}-1`, 0],
  ]
  expect(await labels()).toEqual(known)
  const segment = await log.sealing.begin('flights', 'predictions')
  if (segment === undefined) throw new Error('there is something to seal')
  await log.sealing.finish(await log.sealing.write(segment))
  while (await log.sealing.sweep('flights')) await log.watermark('flights')
  const again = await log.recordTruths('flights', [...some.slice(1), truth(20, 1, 7)], 6)
  expect(again).toEqual({ accepted: 1, unchanged: 3, replaced: 0, unknown: 0 })
  expect(await labels()).toEqual([...known, [`${nameOf(20)}-1`, 7]])
  expect(await log.summaries('flights', { per: 'month' })).toMatchObject([
    { predictions: 2 * MANY, labels: 4, replaced: 1 },
  ])
  expect([counted(file, 'batches'), counted(file, 'blocks')]).toEqual([0, 1])
})

test('a segment of nothing but numbers answers as its blocks did', async () => {
  const { log, journal } = await open()
  const odd = [Number.NaN, Number.NEGATIVE_INFINITY, -0.5, 2 ** 53, 1e-300]
  const of = (at: number): NewBatch => ({
    ...batch(at),
    columns: ['a "quoted" one', 'whole', 'gaps', 'none'],
    rows: [0, 1, 2].map((row) => ({
      eventMs: 5000 - at,
      key: null,
      inputs: [odd[(at + row) % odd.length] ?? 0, at, row === 0 ? Number.NaN : row, Number.NaN],
    })),
    answers: [{ revision: revision(1 + (at % 2)), outputs: [[at, at + 0.25, Number.NaN]] }],
  })
  await Promise.all(Array.from({ length: 20 * MANY }, (_, at) => journal.append(of(at))))
  const before = await log.window('flights', all)
  expect(before.rows).toHaveLength(3 * 20 * MANY)
  const segment = await log.sealing.begin('flights', 'predictions')
  if (segment === undefined) throw new Error('there is something to seal')
  const written = await log.sealing.write(segment)
  expect(written).toMatchObject({ rows: 3 * 20 * MANY, fromMs: 5001 - 20 * MANY, toMs: 5000 })
  await log.sealing.finish(written)
  while (await log.sealing.sweep('flights')) await log.watermark('flights')
  expect(await log.window('flights', all)).toEqual(before)
  expect(await log.find(`${nameOf(8)}-1`)).toMatchObject({ inputs: { whole: 8, none: null } })
})

test('long records of numbers are kept as they are', async () => {
  const { log, journal } = await open()
  const of = (at: number): NewBatch => ({
    ...batch(at),
    columns: ['hour'],
    rows: Array.from({ length: 400 }, (_, row) => ({ eventMs: at, key: null, inputs: [row] })),
    answers: [{ revision: revision(1), outputs: [Array.from({ length: 400 }, (_, row) => row)] }],
  })
  await Promise.all(Array.from({ length: MANY }, (_, at) => journal.append(of(at))))
  const before = await log.window('flights', { ...all, limit: 1000 })
  expect(before.rows[999]).toMatchObject({ inputs: { hour: 199 }, outputs: { score: 199 } })
  const segment = await log.sealing.begin('flights', 'predictions')
  if (segment === undefined) throw new Error('there is something to seal')
  await log.sealing.finish(await log.sealing.write(segment))
  while (await log.sealing.sweep('flights')) await log.watermark('flights')
  expect(await log.window('flights', { ...all, limit: 1000 })).toEqual(before)
})

test('numbers and texts in one segment are sealed together', async () => {
  const { log, journal } = await open()
  const numbers = (at: number): NewBatch => ({
    ...batch(at),
    rows: [{ eventMs: 1000 + at, key: null, inputs: [at, at] }],
    answers: [{ revision: revision(1), outputs: [[at]] }],
  })
  await Promise.all(Array.from({ length: MANY }, (_, at) => journal.append(numbers(at))))
  await log.watermark('flights')
  await Promise.all(Array.from({ length: MANY }, (_, at) => journal.append(batch(100 + at))))
  const before = await log.window('flights', all)
  const segment = await log.sealing.begin('flights', 'predictions')
  if (segment === undefined) throw new Error('there is something to seal')
  const written = await log.sealing.write(segment)
  expect(written.rows).toBe(3 * MANY)
  await log.sealing.finish(written)
  expect(await log.window('flights', all)).toEqual(before)
})

test('values come out of a block as they come out of the tables', async () => {
  const odd: Value[] = [Number.NaN, Number.NEGATIVE_INFINITY, -0, 2n ** 62n, 'ü', true, null]
  const of = (at: number): NewBatch => ({
    ...batch(at),
    columns: ['carrier', 'hour'],
    rows: [{ eventMs: 1000 + at, key: null, inputs: [odd[at % odd.length] ?? null, [1, null]] }],
    answers: [{ revision: revision(1), outputs: [[at]] }],
  })
  const { log, journal } = await open()
  const alone = await open()
  await Promise.all(Array.from({ length: MANY }, (_, at) => journal.append(of(at))))
  for (let at = 0; at < MANY; at += 1) await alone.log.append(of(at))
  expect(await log.window('flights', all)).toEqual(await alone.log.window('flights', all))
})

/** Named as the process that answers names them. */
function nameOf(at: number): string {
  return `01JEXAMPLE${String(at).padStart(16, '0')}`
}

async function open(given?: string) {
  const home = given ?? (await mkdtemp(join(tmpdir(), 'orrery-blocks-')))
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
  return { home, file, log, journal, recorded }
}

function counted(file: string, what: string): number {
  const database = new BetterSqlite(file, { readonly: true })
  try {
    return database.prepare(`select count(*) from ${what}`).pluck().get() as number
  } finally {
    database.close()
  }
}

function batch(at: number): NewBatch {
  const eventMs = 1000 + at
  return {
    id: nameOf(at),
    endpoint: 'flights',
    digest: null,
    atMs: 1000,
    latencyMs: 1.25,
    columns: ['carrier', 'hour'],
    rows: [at, at + 1].map((hour) => ({ eventMs, key: null, inputs: ['AA', hour] })),
    answers: [{ revision: revision(1), outputs: [[at, at + 1]] }],
  }
}

function revision(number: number): LoggedRevision {
  const outputs = [{ name: 'score', type: 'float64' as const }]
  return { number, role: 'live', modelVersion: `late/${number}`, outputs }
}
