import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { afterEach, expect, test } from 'vitest'
import type {
  Ingested,
  Journal,
  JournalPosition,
  LoggedRevision,
  NewBatch,
  Value,
} from '#inference'
import { openJournal, openSource } from './index.ts'

const undo: (() => Promise<void>)[] = []
afterEach(async () => {
  for (let step = undo.pop(); step !== undefined; step = undo.pop()) await step()
})

const logger = pino({ level: 'silent' })
const nothing: Ingested = {
  position: () => ({ file: 0, offset: 0 }),
  findBatch: async () => undefined,
}

test('what was appended is read as it was: integers beyond 2^53, NaN, infinities, minus zero, lists and every text', async () => {
  const { folder, journal } = await open()
  const values: Value[] = [
    1.5,
    -0,
    Number.NaN,
    Number.NEGATIVE_INFINITY,
    9_007_199_254_740_993n,
    18_446_744_073_709_551_615n,
    -9_223_372_036_854_775_808n,
    10n ** 30n,
    'ünï\u{1f600}',
    '\ud800 half',
    'x'.repeat(100),
    '',
    null,
    true,
    false,
    [],
    [1, 2, [3, 'x']],
    [0.1, Number.NaN],
  ]
  const kept: NewBatch = {
    ...batch('all'),
    endpoint: 'ü',
    digest: 'd',
    columns: values.map((_, index) => `c${index} ü`),
    rows: [
      { eventMs: -5.5, key: 'k\u{1f600}', inputs: values },
      { eventMs: 1, key: null, inputs: [1, 2, 3] },
    ],
    answers: [{ revision, outputs: [values.slice(0, 2), ['a', 7n]] }],
  }
  await journal.append(kept)
  await journal.appendLate('all', [{ revision, outputs: [[1, null]] }])
  expect(everything(folder)).toEqual([
    { kind: 'batch', batch: kept },
    { kind: 'late', batch: 'all', answers: [{ revision, outputs: [[1, null]] }] },
  ])
})

test('a request that its caller named is found again, also after a restart, and its id is taken', async () => {
  const { folder, journal } = await open()
  await journal.append(batch('b1', 'digest'))
  await journal.append(batch('free'))
  const recorded = { id: 'b1', endpoint: 'flights', digest: 'digest', rows: 1, outputs: [[0.25]] }
  expect(await journal.findBatch('b1')).toMatchObject(recorded)
  await expect(journal.append(batch('b1', 'digest'))).rejects.toMatchObject({ code: 'exists' })
  await journal.close()
  const { journal: again } = await open(folder)
  expect(await again.findBatch('b1')).toMatchObject(recorded)
  await expect(again.append(batch('b1', 'digest'))).rejects.toMatchObject({ code: 'exists' })
  expect(await again.findBatch('other')).toBeUndefined()
})

function everything(folder: string) {
  const source = openSource(folder)
  let from: JournalPosition = { file: 0, offset: 0 }
  const found = []
  for (;;) {
    const { entries, next } = source.read(from)
    if (next.file === from.file && next.offset === from.offset) return found
    found.push(...entries)
    from = next
  }
}

async function open(
  given?: string,
): Promise<{ folder: string; journal: Journal & { close(): Promise<void> } }> {
  const folder = given ?? (await mkdtemp(join(tmpdir(), 'orrery-journal-')))
  const journal = openJournal({ folder, ingested: nothing, syncMs: 50, logger })
  undo.push(() => journal.close().catch(() => undefined))
  return { folder, journal }
}

const revision: LoggedRevision = {
  number: 1,
  role: 'live',
  modelVersion: 'late/1',
  outputs: [{ name: 'score', type: 'float32' }],
}

function batch(id: string, digest: string | null = null): NewBatch {
  return {
    id,
    endpoint: 'flights',
    digest,
    atMs: 1000,
    latencyMs: 1.25,
    columns: ['carrier', 'hour'],
    rows: [{ eventMs: 1000, key: 'k1', inputs: ['AA', 7] }],
    answers: [{ revision, outputs: [[0.25]] }],
  }
}
