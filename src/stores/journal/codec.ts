import type {
  Feedback,
  JournalEntries,
  LoggedRevision,
  NewAnswer,
  NewBatch,
  NewPrediction,
  NumericBatch,
  Value,
} from '#inference'
import { reader, type Reader, type Sink } from './bytes.ts'
import {
  BATCH,
  FALSE,
  FEEDBACK,
  INTEGER,
  LATE,
  LIST,
  LONG_INTEGER,
  NULL,
  NUMBER,
  NUMBERS,
  SKIPPED,
  SYNCED,
  TEXT,
  TRUE,
} from './marks.ts'
import { parsedOnce } from './parsed-once.ts'

/** What a record of the journal says. */
export type Entry =
  | JournalEntries['entries'][number]
  /** Everything in this file before `offset` had reached the disk. */
  | { readonly kind: 'synced'; readonly offset: number }

/** Writes what the journal keeps into bytes. */
export function encoder() {
  const { batch, numbers, answers } = batchEncoder()
  return {
    batch,
    numbers,
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

type Head = Pick<NewBatch, 'id' | 'endpoint' | 'digest' | 'atMs' | 'latencyMs' | 'columns' | 'form'>

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
  const head = (to: Sink, batch: Head) => {
    to.byte(BATCH)
    to.text(batch.id)
    to.text(batch.endpoint)
    optionalText(to, batch.digest)
    to.double(batch.atMs)
    to.double(batch.latencyMs)
    to.bytes(columnsOf(batch.endpoint, batch.columns))
    optionalText(to, batch.form ?? null)
  }
  return {
    answers,
    batch: (to: Sink, batch: NewBatch): void => {
      head(to, batch)
      to.count(batch.rows.length)
      for (const { eventMs, key, inputs } of batch.rows) {
        to.double(eventMs)
        optionalText(to, key)
        list(to, inputs)
      }
      answers(to, batch.answers)
    },
    /** The bytes that `batch` writes of the same. */
    numbers: (to: Sink, batch: NumericBatch): void => {
      head(to, { ...batch, digest: null })
      to.count(batch.rows)
      const stride = batch.columns.length + 1
      for (let at = 0; at < batch.inputs.length; at += stride) {
        to.double(batch.inputs[at] as number)
        optionalText(to, null)
        numberList(to, batch.inputs.subarray(at + 1, at + stride))
      }
      to.count(1)
      to.bytes(revisionOf(batch.revision))
      to.count(batch.revision.outputs.length)
      for (let at = 0; at < batch.outputs.length; at += batch.rows)
        numberList(to, batch.outputs.subarray(at, at + batch.rows))
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
  if (areNumbers(values)) return numberList(to, values)
  to.byte(LIST)
  to.count(values.length)
  for (const each of values) value(to, each)
}

function numberList(to: Sink, values: ArrayLike<number>): void {
  to.byte(NUMBERS)
  to.doubles(values)
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
export function decoder(): (bytes: Buffer) => Entry {
  const columnsOf = parsedOnce()
  const revisionOf = parsedOnce()
  const answersIn = (from: Reader): NewAnswer[] =>
    times(from.count(), () => ({
      revision: revisionOf(from.bytes()) as LoggedRevision,
      outputs: times(from.count(), () => listIn(from)),
    }))
  const batchIn = (from: Reader): NewBatch => ({
    id: from.text(),
    endpoint: from.text(),
    digest: optionalTextIn(from),
    atMs: from.double(),
    latencyMs: from.double(),
    columns: columnsOf(from.bytes()) as readonly string[],
    ...formIn(from),
    rows: times(from.count(), (): NewPrediction => {
      const eventMs = from.double()
      const key = optionalTextIn(from)
      return { eventMs, key, inputs: listIn(from) }
    }),
    answers: answersIn(from),
  })
  return (bytes) => {
    const from = reader(bytes)
    const kind = from.byte()
    if (kind === BATCH) return { kind: 'batch', batch: batchIn(from) }
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

function formIn(from: Reader): Pick<NewBatch, 'form'> {
  const form = optionalTextIn(from) as NonNullable<NewBatch['form']> | null
  return form === null ? {} : { form }
}

function optionalTextIn(from: Reader): string | null {
  return from.byte() === NULL ? null : from.text()
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
