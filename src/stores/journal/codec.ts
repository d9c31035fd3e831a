import { invariant } from '#base/invariant'
import type {
  Feedback,
  JournalEntries,
  LoggedRevision,
  MatrixBatch,
  NewAnswer,
  NewBatch,
  NewPrediction,
  Value,
} from '#inference'
import { batchHeadIn, optionalTextIn } from './batch-head.ts'
import { reader, type Reader, type Sink } from './bytes.ts'
import {
  BATCH,
  FALSE,
  FEEDBACK,
  INTEGER,
  LATE,
  LIST,
  LONG_INTEGER,
  MATRIX,
  NULL,
  NUMBER,
  NUMBERS,
  SKIPPED,
  SYNCED,
  TEXT,
  TRUE,
} from './marks.ts'
import { matrixIn, writeFloats } from './matrix.ts'
import { parsedOnce } from './parsed-once.ts'

/** What a record of the journal says that is no batch. */
export type Event =
  | Exclude<JournalEntries['entries'][number], { kind: 'batch' }>
  /** Everything in this file before `offset` had reached the disk. */
  | { readonly kind: 'synced'; readonly offset: number }

/** Writes what the journal keeps into bytes. */
export function encoder() {
  const { batch, matrix, answers } = batchEncoder()
  return {
    batch,
    matrix,
    late: (to: Sink, id: string, late: readonly NewAnswer[]): void => {
      to.byte(LATE)
      to.text(id)
      answers(to, late)
    },
    skipped: (to: Sink, endpoint: string, predictions: number, atMs: number): void => {
      to.byte(SKIPPED)
      to.text(endpoint)
      to.double(predictions)
      to.double(atMs)
    },
    feedback: (
      to: Sink,
      endpoint: string,
      { feedback, atMs }: { feedback: readonly Feedback[]; atMs: number },
    ): void => {
      to.byte(FEEDBACK)
      to.text(endpoint)
      to.double(atMs)
      to.text(JSON.stringify(feedback))
    },
    synced: (to: Sink, offset: number): void => {
      to.byte(SYNCED)
      to.double(offset)
    },
  }
}

/** Writes what batches say; it remembers the names that come again and again. */
function batchEncoder() {
  const columnsOf = lastText<readonly string[]>(sameTexts)
  const revisions = new WeakMap<LoggedRevision, Buffer>()
  const revisionOf = (revision: LoggedRevision): Buffer => {
    const known = revisions.get(revision)
    if (known !== undefined) return known
    const text = Buffer.from(JSON.stringify(revision))
    revisions.set(revision, text)
    return text
  }
  const answers = (to: Sink, all: readonly NewAnswer[]) => {
    to.count(all.length)
    for (const { revision, outputs } of all) {
      to.bytes(revisionOf(revision))
      to.count(outputs.length)
      for (const output of outputs) list(to, output)
    }
  }
  return {
    answers,
    batch: (to: Sink, batch: NewBatch): void => {
      to.byte(BATCH)
      to.text(batch.id)
      to.text(batch.endpoint)
      optionalText(to, batch.digest)
      to.double(batch.atMs)
      to.double(batch.latencyMs)
      to.bytes(columnsOf(batch.endpoint, batch.columns))
      optionalText(to, batch.form ?? null)
      to.count(batch.rows.length)
      for (const { eventMs, key, inputs } of batch.rows) {
        to.double(eventMs)
        optionalText(to, key)
        list(to, inputs)
      }
      answers(to, batch.answers)
    },
    matrix: (to: Sink, batch: MatrixBatch): void => {
      to.byte(MATRIX)
      to.text(batch.id)
      to.text(batch.endpoint)
      to.double(batch.atMs)
      to.double(batch.latencyMs)
      to.bytes(columnsOf(batch.endpoint, batch.columns))
      to.bytes(revisionOf(batch.revision))
      to.count(batch.rows)
      writeFloats(to, batch.matrix)
      for (const output of batch.outputs) writeFloats(to, output)
    },
  }
}

/** The bytes of each endpoint's newest names; nearly every request has those of the one before. */
function lastText<Names>(same: (one: Names, other: Names) => boolean) {
  const newest = new Map<string, { names: Names; bytes: Buffer }>()
  return (endpoint: string, names: Names): Buffer => {
    const known = newest.get(endpoint)
    if (known !== undefined && same(known.names, names)) return known.bytes
    const bytes = Buffer.from(JSON.stringify(names))
    newest.set(endpoint, { names, bytes })
    return bytes
  }
}

function sameTexts(one: readonly string[], other: readonly string[]): boolean {
  if (one === other) return true
  if (one.length !== other.length) return false
  for (let index = 0; index < one.length; index++) if (one[index] !== other[index]) return false
  return true
}

function optionalText(to: Sink, text: string | null): void {
  if (text === null) to.byte(NULL)
  else {
    to.byte(TEXT)
    to.text(text)
  }
}

function list(to: Sink, values: readonly Value[]): void {
  if (areNumbers(values)) {
    to.byte(NUMBERS)
    to.doubles(values)
    return
  }
  to.byte(LIST)
  to.count(values.length)
  for (const each of values) value(to, each)
}

function areNumbers(values: readonly Value[]): values is readonly number[] {
  for (let index = 0; index < values.length; index++)
    if (typeof values[index] !== 'number') return false
  return true
}

function value(to: Sink, each: Value): void {
  if (typeof each === 'number') {
    to.byte(NUMBER)
    to.double(each)
  } else if (typeof each === 'string') {
    to.byte(TEXT)
    to.text(each)
  } else if (typeof each === 'bigint') integer(to, each)
  else if (each === null || each === undefined) to.byte(NULL)
  else if (typeof each === 'boolean') to.byte(each ? TRUE : FALSE)
  else list(to, each)
}

function integer(to: Sink, each: bigint): void {
  if (BigInt.asIntN(64, each) === each) {
    to.byte(INTEGER)
    to.integer(each)
  } else {
    to.byte(LONG_INTEGER)
    to.text(String(each))
  }
}

/** Reads what `encoder` wrote. Names that come again are one object, so that their readers may compare by identity. */
export function decoder() {
  const columnsOf = parsedOnce()
  const revisionOf = parsedOnce()
  const answersIn = (from: Reader): NewAnswer[] =>
    times(from.count(), () => ({
      revision: revisionOf(from.bytes()) as LoggedRevision,
      outputs: times(from.count(), () => listIn(from)),
    }))
  const rowsIn = (from: Reader): NewBatch => ({
    ...batchHeadIn(from, columnsOf),
    rows: times(from.count(), (): NewPrediction => {
      const eventMs = from.double()
      const key = optionalTextIn(from)
      return { eventMs, key, inputs: listIn(from) }
    }),
    answers: answersIn(from),
  })
  const batchIn = (bytes: Buffer): NewBatch => {
    const from = reader(bytes)
    const kind = from.byte()
    if (kind === MATRIX) return rowByRow(matrixIn(from, { columnsOf, revisionOf }))
    invariant(kind === BATCH, 'what was kept of a batch is a batch')
    return rowsIn(from)
  }
  const eventIn = (bytes: Buffer): Event => {
    const from = reader(bytes)
    const kind = from.byte()
    if (kind === LATE) return { kind: 'late', batch: from.text(), answers: answersIn(from) }
    if (kind === SKIPPED)
      return {
        kind: 'skipped',
        endpoint: from.text(),
        predictions: from.double(),
        atMs: from.double(),
      }
    if (kind === FEEDBACK) {
      const [endpoint, atMs] = [from.text(), from.double()]
      return { kind: 'feedback', endpoint, atMs, feedback: JSON.parse(from.text()) as Feedback[] }
    }
    if (kind === SYNCED) return { kind: 'synced', offset: from.double() }
    throw new Error(`a record of the journal has the unknown kind ${kind}`)
  }
  return { batchIn, eventIn }
}

export function isBatch([kind]: Uint8Array): boolean {
  return kind === BATCH || kind === MATRIX
}

/** A matrix as a batch of rows. */
function rowByRow({ revision, rows, matrix, outputs, ...head }: MatrixBatch): NewBatch {
  const width = head.columns.length
  return {
    ...head,
    digest: null,
    rows: Array.from({ length: rows }, (_, row) => ({
      eventMs: head.atMs,
      key: null,
      inputs: [...matrix.subarray(row * width, (row + 1) * width)],
    })),
    answers: [{ revision, outputs: outputs.map((output) => [...output]) }],
  }
}

/** The id of a record of a batch that its caller named, without reading the rest. */
export function namedBatchIn(bytes: Buffer): string | undefined {
  const from = reader(bytes)
  if (from.byte() !== BATCH) return undefined
  const id = from.text()
  from.text()
  return from.byte() === NULL ? undefined : id
}

/** Where a `synced` record says that the disk has everything up to. */
export function syncedIn(bytes: Buffer): number | undefined {
  const from = reader(bytes)
  return from.byte() === SYNCED ? from.double() : undefined
}

function listIn(from: Reader): Value[] {
  return from.byte() === NUMBERS ? from.doubles() : times(from.count(), () => valueIn(from))
}

function valueIn(from: Reader): Value {
  const begin = from.byte()
  if (begin === NUMBER) return from.double()
  if (begin === TEXT) return from.text()
  if (begin === NULL) return null
  if (begin === TRUE || begin === FALSE) return begin === TRUE
  if (begin === INTEGER) return from.integer()
  if (begin === LONG_INTEGER) return BigInt(from.text())
  if (begin === NUMBERS) return from.doubles()
  if (begin === LIST) return times(from.count(), () => valueIn(from))
  throw new Error(`a value of the journal begins with the unknown byte ${begin}`)
}

function times<T>(count: number, make: () => T): T[] {
  const made: T[] = []
  for (let index = 0; index < count; index++) made.push(make())
  return made
}
