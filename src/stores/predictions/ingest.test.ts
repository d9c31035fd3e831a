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
  await expect.poll(() => grown).toEqual(['flights'])
})

async function open(given?: string) {
  const home = given ?? (await mkdtemp(join(tmpdir(), 'orrery-ingest-')))
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
  undo.push(analytics.close, log.close, async () => recorded.close(), journal.close)
  return { home, log, journal }
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
