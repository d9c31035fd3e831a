import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { segmentFiles } from '#stores/analytics/duckdb/segments'
import { openAnalytics } from '#stores/analytics/duckdb/index'
import { openLocalObjects } from '#stores/objects/local'
import type { LoggedRevision, NewBatch, NewPrediction } from '#inference'
import type { PredictionLog } from '#serving'
import { openPredictionLog } from './index.ts'

const undo: (() => Promise<void>)[] = []
afterEach(async () => {
  for (let step = undo.pop(); step !== undefined; step = undo.pop()) await step()
})

const DAY = 86_400_000
const START = Date.UTC(2013, 2, 1)
const all = { fromMs: 0, toMs: 9e15 }

test('a batch is read back by window, by prediction and as it was answered', async () => {
  const log = await open()
  await log.append(batch('b1', [{ eventMs: START, key: 'f1', inputs: ['AA', 7.5] }], [0.25]))
  const row = {
    id: 'b1-0',
    batch: 'b1',
    revision: 1,
    modelVersion: 'late/1',
    role: 'live',
    eventMs: START,
    atMs: START + 5,
    latencyMs: 1.25,
    key: 'f1',
    inputs: { carrier: 'AA', hour: 7.5 },
    outputs: { score: 0.25 },
    label: null,
  }
  expect(await log.window('flights', all)).toEqual({ rows: [row], next: null })
  expect(await log.find('b1-0')).toEqual({ ...row, endpoint: 'flights', truth: null, shadows: [] })
  expect(await log.find('b1-1')).toBeUndefined()
  expect(await log.findBatch('b1')).toMatchObject({ digest: 'd-b1', rows: 1, outputs: [[0.25]] })
  expect(await log.watermark('flights')).toBe(START)
})

test('a batch id is taken once, and the refused batch leaves nothing', async () => {
  const log = await open()
  const [first, second] = await Promise.allSettled([
    log.append(batch('b1', rows(2), [0.1, 0.2])),
    log.append(batch('b1', rows(3), [0.1, 0.2, 0.3])),
  ])
  expect(first?.status).toBe('fulfilled')
  expect(second).toMatchObject({ status: 'rejected', reason: { code: 'exists' } })
  expect((await log.window('flights', all)).rows).toHaveLength(2)
  expect(await log.summaries('flights', { per: 'month' })).toMatchObject([{ predictions: 2 }])
})

test('a shadow answers the same predictions under its own revision, in time or late', async () => {
  const log = await open()
  await log.append({
    ...batch('b1', rows(2), [0.1, 0.2]),
    answers: [answer(revision(1), [0.1, 0.2]), answer(revision(2, 'shadow'), [0.8, 0.9])],
  })
  await log.append(batch('b2', rows(1), [0.3]))
  await log.appendLate('b2', [answer(revision(2, 'shadow'), [0.7])])
  await log.appendLate('b2', [answer(revision(2, 'shadow'), [0.7])])
  const shadow = await log.window('flights', { ...all, role: 'shadow' })
  expect(shadow.rows.map((row) => row.outputs['score'])).toEqual([0.8, 0.7, 0.9])
  expect((await log.window('flights', { ...all, revision: 1 })).rows).toHaveLength(3)
  expect((await log.find('b2-0'))?.shadows).toEqual([
    { revision: 2, modelVersion: 'late/2', outputs: { score: 0.7 } },
  ])
})

test('a window pages through its rows in the order of event time, without gap or repetition', async () => {
  const log = await open()
  await log.append(batch('b1', rows(5, START + 2), [1, 2, 3, 4, 5]))
  await log.append(batch('b2', rows(5, START), [6, 7, 8, 9, 10]))
  await seal(log)
  await log.append(batch('b3', rows(5, START + 1), [11, 12, 13, 14, 15]))
  const ids: string[] = []
  let after: string | undefined
  do {
    const page = await log.window('flights', {
      fromMs: START + 1,
      toMs: START + 6,
      limit: 2,
      ...(after === undefined ? {} : { after }),
    })
    expect(page.rows.length).toBeLessThanOrEqual(2)
    ids.push(...page.rows.map((row) => row.id))
    after = page.next ?? undefined
  } while (after !== undefined)
  const whole = await log.window('flights', { fromMs: START + 1, toMs: START + 6 })
  expect(ids).toEqual(whole.rows.map((row) => row.id))
  expect(new Set(ids).size).toBe(13)
})

test('a truth joins by entity or by prediction, before or after it, and the last one wins', async () => {
  const log = await open()
  const truth = (value: string, label: number, by: 'key' | 'prediction' = 'key') => ({
    ref: { by, value },
    label,
    timeMs: null,
  })
  expect(await log.recordTruths('flights', [truth('k0', 1)], 1)).toEqual({
    accepted: 1,
    unchanged: 0,
    replaced: 0,
    unknown: 1,
  })
  await log.append(batch('b1', rows(3), [0.1, 0.2, 0.3]))
  expect(
    await log.recordTruths(
      'flights',
      [truth('k0', 1), truth('k1', 0), truth('b1-1', 1, 'prediction')],
      2,
    ),
  ).toEqual({ accepted: 2, unchanged: 1, replaced: 0, unknown: 0 })
  expect((await log.window('flights', all)).rows.map((row) => row.label)).toEqual([1, 1, null])
  expect(await log.recordTruths('flights', [truth('k0', 0)], 3)).toMatchObject({ replaced: 1 })
  expect((await log.window('flights', all)).rows.map((row) => row.label)).toEqual([0, 1, null])
  expect(await log.summaries('flights', { per: DAY })).toEqual([
    { startMs: START, predictions: 3, labels: 2, replaced: 1 },
  ])
  expect((await log.find('b1-0'))?.truth).toEqual({ label: 0, timeMs: null, atMs: 3 })
})

test('the watermark never goes back', async () => {
  const log = await open()
  await log.append(batch('b1', rows(1, START), [0.1]))
  expect(await log.advance('flights', START + DAY)).toBe(START + DAY)
  expect(await log.advance('flights', START)).toBe(START + DAY)
  await log.append(batch('b2', rows(1, START + 5), [0.1]))
  expect(await log.watermark('flights')).toBe(START + DAY)
})

test('sealed rows answer every question as before', async () => {
  const log = await open()
  await log.append(
    batch(
      'b1',
      [
        { eventMs: START + 5, key: 'k0', inputs: ['AA', 7] },
        { eventMs: START, key: null, inputs: [null, 7.5] },
      ],
      [0.5, 0.25],
    ),
  )
  await log.append({ ...batch('b2', rows(1), [0.125]), columns: ['carrier', 'other'] })
  await log.append({
    ...batch('b3', [{ eventMs: START + 9, key: 'k9', inputs: [7, [1, 'x']] }], [1]),
  })
  await log.recordTruths(
    'flights',
    [{ ref: { by: 'key', value: 'k0' }, label: true, timeMs: 3 }],
    9,
  )
  const ask = async () => ({
    window: await log.window('flights', { ...all, role: 'live' }),
    found: await log.find('b1-1'),
    batch: await log.findBatch('b1'),
    sums: await log.summaries('flights', { per: 'month' }),
  })
  const before = await ask()
  await seal(log)
  const after = await ask()
  // A column that only some batches of a segment had is a gap in the others.
  const filled = before.window.rows.map((row) => ({
    ...row,
    inputs: { carrier: null, hour: null, other: null, ...row.inputs },
  }))
  expect(after.window.rows).toEqual(filled)
  expect(after.found?.inputs).toEqual({ carrier: null, hour: 7.5, other: null })
  expect(after.batch).toEqual(before.batch)
  expect(after.sums).toEqual(before.sums)
  await log.recordTruths(
    'flights',
    [{ ref: { by: 'prediction', value: 'b1-1' }, label: 4, timeMs: null }],
    9,
  )
  expect((await log.find('b1-1'))?.label).toBe(4)
})

test('sealing may stop after any step and be taken up again: nothing is lost or doubled', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'orrery-predictions-'))
  for (const stopAfter of ['begin', 'write', 'finish', 'one sweep'] as const) {
    const home = join(folder, stopAfter)
    let log = await open(home)
    for (let index = 0; index < 250; index++)
      await log.append(batch(`b${index}`, rows(2), [0.1, 0.2]))
    await log.recordTruths(
      'flights',
      [{ ref: { by: 'key', value: 'k0' }, label: 1, timeMs: null }],
      9,
    )
    const before = await log.window('flights', all)
    const segment = await log.sealing.begin('flights', 'predictions')
    await log.append(batch('after', rows(2), [0.3, 0.4]))
    await log.appendLate('b0', [answer(revision(2, 'shadow'), [0.7])])
    if (segment === undefined) throw new Error('there is something to seal')
    const written = stopAfter === 'begin' ? undefined : await log.sealing.write(segment)
    if (written !== undefined && stopAfter !== 'write') await log.sealing.finish(written)
    if (stopAfter === 'one sweep') await log.sealing.sweep('flights')

    await log.close()
    log = await open(home)
    const resumed = await log.sealing.begin('flights', 'predictions')
    const place = segmentOf(await log.window('flights', all))
    if (stopAfter === 'begin' || stopAfter === 'write') expect(resumed).toEqual(segment)
    else expect(resumed?.id).not.toBe(segment.id)
    await seal(log)
    await seal(log)
    const rest = await log.window('flights', all)
    expect(segmentOf(rest)).toEqual(place)
    expect(rest.rows.slice(0, before.rows.length + 2).length).toBe(before.rows.length + 2)
    expect(rest.rows.filter((row) => row.batch !== 'after')).toEqual(before.rows)
    expect(await log.full(1)).toEqual([{ endpoint: 'flights', kind: 'truths' }])
    expect(await log.summaries('flights', { per: 'month' })).toMatchObject([
      { predictions: 502, labels: 251 },
    ])
  }
})

function segmentOf(page: Awaited<ReturnType<PredictionLog['window']>>): unknown[] {
  return page.rows.map((row) => [row.id, row.revision])
}

/** All steps, for all that is open. */
async function seal(log: PredictionLog): Promise<void> {
  for (;;) {
    const segment = await log.sealing.begin('flights', 'predictions')
    if (segment === undefined) break
    await log.sealing.finish(await log.sealing.write(segment))
  }
  while (await log.sealing.sweep('flights'));
}

async function open(home?: string): Promise<PredictionLog> {
  const folder = home ?? (await mkdtemp(join(tmpdir(), 'orrery-predictions-')))
  const analytics = openAnalytics({ memoryMb: 256, threads: 1 })
  const log = openPredictionLog({
    file: join(folder, 'predictions.db'),
    folder: join(folder, 'serving'),
    objects: await openLocalObjects(join(folder, 'objects')),
    files: segmentFiles(analytics),
  })
  undo.push(analytics.close, async () => log.close().catch(() => undefined))
  return log
}

function rows(count: number, startMs = START): NewPrediction[] {
  return Array.from({ length: count }, (_, index) => ({
    eventMs: startMs + index,
    key: `k${index}`,
    inputs: ['AA', index],
  }))
}

function revision(number: number, role: 'live' | 'shadow' = 'live'): LoggedRevision {
  return {
    number,
    role,
    modelVersion: `late/${number}`,
    outputs: [{ name: 'score', type: 'float32' }],
  }
}

function answer(of: LoggedRevision, scores: number[]) {
  return { revision: of, outputs: [scores] }
}

function batch(id: string, predictions: NewPrediction[], scores: number[]): NewBatch {
  return {
    id,
    endpoint: 'flights',
    digest: `d-${id}`,
    atMs: START + 5,
    latencyMs: 1.25,
    columns: ['carrier', 'hour'],
    rows: predictions,
    answers: [answer(revision(1), scores)],
  }
}
