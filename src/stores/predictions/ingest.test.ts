import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { afterEach, expect, test } from 'vitest'
import { openAnalytics } from '#stores/analytics/duckdb/index'
import { segmentFiles } from '#stores/analytics/duckdb/segments'
import { openJournal, openSource } from '#stores/journal/index'
import { openLocalObjects } from '#stores/objects/local'
import type { NewBatch } from '#inference'
import { openPredictionLog, openRecorded } from './index.ts'

const undo: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (let step = undo.pop(); step !== undefined; step = undo.pop()) await step()
})

const all = { fromMs: 0, toMs: 9e15 }

test('what the journal holds is found by whoever asks after the answer', async () => {
  const { log, journal } = await open()
  await journal.append(batch('b1', 'd1'))
  expect((await log.window('flights', all)).rows.map(({ id }) => id)).toEqual(['b1-0'])
  await journal.append(batch('b2'))
  expect(await log.find('b2-0')).toMatchObject({ id: 'b2-0', key: 'k-b2' })
  await journal.append(batch('b3'))
  const truth = { ref: { by: 'key' as const, value: 'k-b3' }, label: 1, timeMs: null }
  expect(await log.recordTruths('flights', [truth], 9)).toMatchObject({ accepted: 1, unknown: 0 })
  expect(await journal.findBatch('b1')).toMatchObject({ id: 'b1', digest: 'd1' })
})

test('what is asked of nobody is taken over in the background', async () => {
  const { log, journal } = await open()
  const grown: string[] = []
  log.onGrowth((endpoint) => grown.push(endpoint))
  await journal.append(batch('b1'))
  // While others need the processors, it rests for two seconds before.
  await expect.poll(() => grown, { timeout: 20_000 }).toEqual(['flights'])
})

test('who only looks how far the log has come hurries nothing', async () => {
  const { log, journal, reads } = await open()
  await journal.append(batch('b1'))
  const before = reads()
  const looks = [log.soFar.watermark('flights'), log.soFar.summaries('flights', { per: 'month' })]
  expect(reads()).toBe(before)
  await Promise.all(looks)
  const asked = log.watermark('flights')
  expect(reads()).toBeGreaterThan(before)
  expect(await asked).toBe(1000)
  expect(await log.soFar.watermark('flights')).toBe(1000)
})

test('an answer is given again as it was, from the journal, the log and a segment: infinities, long integers, any text', async () => {
  const { log, journal } = await open()
  const odd = batch('odd', 'digest')
  const outputs = [
    { name: 'score', type: 'float64' as const },
    { name: 'count', type: 'int64' as const },
    { name: 'word', type: 'string' as const },
  ]
  const values = [[Number.POSITIVE_INFINITY], [9_007_199_254_740_993n], ['ünï\u{1f600}']]
  const revision = { number: 2, role: 'live' as const, modelVersion: 'late/2', outputs }
  await journal.append({ ...odd, form: 'frame', answers: [{ revision, outputs: values }] })
  const recorded = await journal.findBatch('odd')
  expect(recorded).toMatchObject({
    form: 'frame',
    outputs: [[Number.POSITIVE_INFINITY], ['9007199254740993'], ['ünï\u{1f600}']],
  })
  expect(await log.findBatch('odd')).toEqual(recorded)
  const segment = await log.sealing.begin('flights', 'predictions')
  if (segment !== undefined) await log.sealing.finish(await log.sealing.write(segment))
  expect(await log.findBatch('odd')).toEqual(recorded)
})

test('what was taken over is not taken again after a restart, and truths and counts stay right', async () => {
  const { home, log, journal } = await open()
  await journal.feedback(
    'flights',
    [{ ref: { by: 'key', value: 'k-b1' }, source: 's', label: 1 }],
    5,
  )
  for (const id of ['b1', 'b2', 'b3']) await journal.append(batch(id))
  journal.skip('flights', 7, 1000)
  await journal.append(batch('b4'))
  expect((await log.window('flights', all)).rows).toHaveLength(4)
  await log.close()
  const again = await open(home)
  expect((await again.log.window('flights', all)).rows).toHaveLength(4)
  expect(await again.log.summaries('flights', { per: 'month' })).toMatchObject([
    { predictions: 4, labels: 1, unlogged: 7 },
  ])
})

async function open(given?: string) {
  const home = given ?? (await mkdtemp(join(tmpdir(), 'orrery-ingest-')))
  const folder = join(home, 'journal')
  const file = join(home, 'predictions.db')
  const logger = pino({ level: 'silent' })
  const analytics = openAnalytics({ memoryMb: 256, threads: 1 })
  const source = openSource(folder)
  let reads = 0
  const log = openPredictionLog({
    file,
    folder: join(home, 'segments'),
    objects: await openLocalObjects(join(home, 'objects')),
    files: segmentFiles(analytics),
    journal: {
      source: {
        ...source,
        read: (from) => {
          reads += 1
          return source.read(from)
        },
      },
      logger,
    },
  })
  const recorded = openRecorded({ file, sealed: log.findBatch })
  const journal = openJournal({ folder, ingested: recorded, syncMs: 50, logger })
  undo.push(
    analytics.close,
    () => log.close().catch(() => undefined),
    async () => recorded.close(),
    journal.close,
  )
  return { home, log, journal, reads: () => reads }
}

function batch(id: string, digest: string | null = null): NewBatch {
  return {
    id,
    endpoint: 'flights',
    digest,
    atMs: 1000,
    latencyMs: 1.25,
    columns: ['carrier', 'hour'],
    rows: [{ eventMs: 1000, key: `k-${id}`, inputs: ['AA', 7] }],
    answers: [
      {
        revision: {
          number: 1,
          role: 'live',
          modelVersion: 'late/1',
          outputs: [{ name: 'score', type: 'float32' }],
        },
        outputs: [[0.25]],
      },
    ],
  }
}
