import {
  appendFile,
  mkdtemp,
  open as openFile,
  readdir,
  readFile,
  writeFile,
} from 'node:fs/promises'
import { mkdtempSync } from 'node:fs'
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
import { syncedIn } from './codec.ts'
import { openJournal, openSource } from './index.ts'
import { scan } from './scan.ts'

const undo: (() => Promise<void>)[] = []
afterEach(async () => {
  for (let step = undo.pop(); step !== undefined; step = undo.pop()) await step()
})

const logger = pino({ level: 'silent' })
/** Records are read without the files that they came from. */
const anySource = openSource(mkdtempSync(join(tmpdir(), 'orrery-journal-')))
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
  const [entry, ...more] = everything(folder)
  expect(wholeIn(entry)).toEqual(kept)
  expect(entry).toMatchObject({ kind: 'batch', batch: outlined(kept) })
  expect(more).toEqual([
    { kind: 'late', batch: 'all', answers: [{ revision, outputs: [[1, null]] }] },
  ])
})

test.each([
  ['single', Float32Array],
  ['double', Float64Array],
])(
  'a matrix of %s precision is kept as it lies in memory, and says what its rows would',
  async (_, Width) => {
    const { folder, journal } = await open()
    const { digest: _digest, rows: _rows, answers: _answers, ...head } = batch('matrix')
    const inputs = Width.of(0.1, Number.NaN, -0, Number.POSITIVE_INFINITY)
    const outputs = [Width.of(0.25, 1e-30)]
    await journal.append({ ...head, revision, rows: 2, matrix: inputs, outputs })
    const [entry, ...more] = everything(folder)
    const eventMs = head.atMs
    const whole: NewBatch = {
      ...head,
      digest: null,
      rows: [
        { eventMs, key: null, inputs: [...inputs.subarray(0, 2)] },
        { eventMs, key: null, inputs: [...inputs.subarray(2)] },
      ],
      answers: [{ revision, outputs: outputs.map((output) => [...output]) }],
    }
    expect(wholeIn(entry)).toEqual(whole)
    expect(entry).toMatchObject({ kind: 'batch', batch: outlined(whole) })
    expect(numbersIn(entry)).toEqual({
      ...head,
      revision,
      rows: 2,
      inputs: Float64Array.of(eventMs, ...inputs.subarray(0, 2), eventMs, ...inputs.subarray(2)),
      outputs: Float64Array.from(outputs[0] ?? []),
    })
    expect(more).toEqual([])
  },
)

test('a batch of rows of nothing but numbers is read as numbers', async () => {
  const { folder, journal } = await open()
  const { digest: _digest, rows: _rows, answers: _answers, ...head } = batch('numbers')
  await journal.append({
    ...batch('numbers'),
    rows: [
      { eventMs: 1000, key: null, inputs: [0.5, Number.NaN] },
      { eventMs: 1001.5, key: null, inputs: [-0, Number.POSITIVE_INFINITY] },
    ],
    answers: [{ revision, outputs: [[0.25, 1e-300]] }],
  })
  expect(everything(folder).map(numbersIn)).toEqual([
    {
      ...head,
      revision,
      rows: 2,
      inputs: Float64Array.of(1000, 0.5, Number.NaN, 1001.5, -0, Number.POSITIVE_INFINITY),
      outputs: Float64Array.of(0.25, 1e-300),
    },
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

test('a tail that a crash has torn anywhere is cut off, and what comes next is read behind what was whole', async () => {
  const { folder, journal } = await open()
  await journal.append(batch('b1'))
  await journal.append(batch('b2'))
  const [file = ''] = await readdir(folder)
  const path = join(folder, file)
  const whole = await readFile(path)
  await journal.append(batch('b3'))
  const torn = await readFile(path)
  await journal.close()
  for (let size = whole.length + 1; size < torn.length; size += 7) {
    const other = await mkdtemp(join(tmpdir(), 'orrery-journal-'))
    await writeFile(join(other, file), torn.subarray(0, size))
    const again = await open(other)
    await again.journal.append(batch('after'))
    expect(idsIn(other)).toEqual(['b1', 'b2', 'after'])
    expect((await readFile(join(other, file))).length).toBe(whole.length)
  }
})

test('zeros and noise behind the last record are a torn tail as well', async () => {
  for (const noise of [Buffer.alloc(5000), Buffer.alloc(5000, 0xa5)]) {
    const { folder, journal } = await open()
    await journal.append(batch('b1'))
    await journal.close()
    const [file = ''] = await readdir(folder)
    await appendFile(join(folder, file), noise)
    const again = await open(folder)
    await again.journal.append(batch('b2'))
    expect(idsIn(folder)).toEqual(['b1', 'b2'])
  }
})

test('damage of what had reached the disk is said, with the file and the place, and nothing is cut off', async () => {
  const { folder, journal } = await open()
  await journal.append(batch('b1'), { durable: true })
  await journal.append(batch('b2'), { durable: true })
  await journal.close()
  const [file = ''] = await readdir(folder)
  const path = join(folder, file)
  const { size } = await damage(path, 60)
  const said = {
    code: 'conflict',
    message: expect.stringMatching(/is damaged at byte 0: .* follow/),
  }
  await expect(open(folder)).rejects.toMatchObject(said)
  expect(() => idsIn(folder)).toThrow(/is damaged at byte 0/)
  expect((await readFile(path)).length).toBe(size)
})

test('a file that is long enough is followed by another, and those that were taken over go', async () => {
  const { folder, journal } = await open(undefined, { fileBytesMax: 2000 })
  const ids = Array.from({ length: 100 }, (_, index) => `b${index}`)
  for (const id of ids) await journal.append(batch(id))
  const files = (await readdir(folder)).toSorted()
  expect(files.length).toBeGreaterThan(5)
  expect(idsIn(folder)).toEqual(ids)
  const source = openSource(folder)
  source.release({ file: 3, offset: 0 })
  expect((await readdir(folder)).toSorted()).toEqual(files.slice(2))
  source.release({ file: 1000, offset: 0 })
  // The newest stays: its number must not be given again.
  expect(await readdir(folder)).toEqual(files.slice(-1))
  await journal.close()
  const again = await open(folder)
  await again.journal.append(batch('later'))
  expect((await readdir(folder)).toSorted().at(-1)).not.toBe(files.at(-1))
})

test('a writer whose place another has taken answers for nothing more', async () => {
  const { folder, journal } = await open()
  await journal.append(batch('b1'))
  const next = await open(folder)
  await expect(journal.append(batch('b2'))).rejects.toMatchObject({
    code: 'unavailable',
    message: expect.stringMatching(/another process/),
  })
  await next.journal.append(batch('b3'))
  expect(idsIn(folder)).toEqual(['b1', 'b3'])
})

test('files are numbered behind all that were taken over, though none of them is left', async () => {
  const ingested = { ...nothing, position: () => ({ file: 41, offset: 7 }) }
  const { folder, journal } = await open(undefined, { ingested })
  await journal.append(batch('b1'))
  expect(await readdir(folder)).toEqual(['000000000042.journal'])
})

test('an answer that waits for the disk shares one sync with all that wait', async () => {
  const { folder, journal } = await open(undefined, { syncMs: 60_000 })
  await Promise.all(
    Array.from({ length: 50 }, (_, index) => journal.append(batch(`b${index}`), { durable: true })),
  )
  const [file = ''] = await readdir(folder)
  const bytes = await readFile(join(folder, file))
  const marks = scan(bytes, 0).records.flatMap(({ payload }) => syncedIn(payload) ?? [])
  // What all of them wait for was on the disk before they were answered.
  expect(marks).toEqual([scan(bytes, 0).records.at(-1)?.at])
})

test('a batch that is too large, or comes after the end, is refused with the reason', async () => {
  const { journal } = await open()
  const row = { eventMs: 1, key: null, inputs: [] }
  const large = { ...batch('large'), rows: Array.from({ length: 2 ** 20 }, () => row) }
  await expect(journal.append(large)).rejects.toMatchObject({ code: 'limit' })
  await journal.close()
  await expect(journal.append(batch('late'))).rejects.toMatchObject({ code: 'unavailable' })
})

test('what cannot be written is refused, the next is written, and nothing is between them', async () => {
  const { folder, journal } = await open()
  await journal.append(batch('b1'))
  const unreadable = {
    get length(): number {
      throw new Error('it cannot be read')
    },
  }
  // Half of it is in the buffer when it turns out that it cannot be said.
  const odd = { ...batch('odd'), answers: [{ revision, outputs: [[unreadable as never]] }] }
  await expect(journal.append(odd)).rejects.toThrow(/cannot be read/)
  await journal.append(batch('b2'))
  expect(idsIn(folder)).toEqual(['b1', 'b2'])
})

test('of the ids that callers gave only those are held that were not taken over', async () => {
  let position: JournalPosition = { file: 0, offset: 0 }
  const found: string[] = []
  const ingested: Ingested = {
    position: () => position,
    findBatch: async (id) => {
      found.push(id)
      return undefined
    },
  }
  const { folder, journal } = await open(undefined, { ingested })
  for (let index = 0; index < 9_990; index++) await journal.append(batch(`b${index}`, 'd'))
  position = openSource(folder).end()
  for (let index = 9_990; index < 10_010; index++) await journal.append(batch(`b${index}`, 'd'))
  expect(await journal.findBatch('b5')).toBeUndefined()
  expect(await journal.findBatch('b10009')).toMatchObject({ id: 'b10009' })
  expect(found).toEqual(['b5'])
})

async function damage(path: string, at: number): Promise<{ size: number }> {
  const file = await openFile(path, 'r+')
  const { buffer } = await file.read(Buffer.alloc(1), 0, 1, at)
  await file.write(Buffer.from([(buffer[0] ?? 0) ^ 0xff]), 0, 1, at)
  const { size } = await file.stat()
  await file.close()
  return { size }
}

function idsIn(folder: string): string[] {
  return everything(folder).map((entry) => (entry.kind === 'batch' ? entry.batch.id : entry.kind))
}

type Entry = ReturnType<typeof everything>[number] | undefined

function recordIn(entry: Entry): Uint8Array {
  return entry?.kind === 'batch' ? entry.record : Buffer.alloc(0)
}

function wholeIn(entry: Entry): NewBatch {
  return anySource.batchIn(recordIn(entry))
}

function numbersIn(entry: Entry) {
  return anySource.numbersIn(recordIn(entry))
}

/** What is known of a batch before its values are read. */
function outlined({ rows, answers, ...head }: NewBatch) {
  return {
    ...head,
    rows: rows.map(({ eventMs, key }) => ({ eventMs, key })),
    answers: answers.map((answer) => ({ revision: answer.revision })),
  }
}

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
  options: { fileBytesMax?: number; ingested?: Ingested; syncMs?: number } = {},
): Promise<{ folder: string; journal: Journal & { close(): Promise<void> } }> {
  const folder = given ?? (await mkdtemp(join(tmpdir(), 'orrery-journal-')))
  const journal = openJournal({ folder, ingested: nothing, syncMs: 50, ...options, logger })
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
