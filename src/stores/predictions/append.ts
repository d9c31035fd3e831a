import {
  ROWS_PER_BATCH_MAX,
  type BatchOutline,
  type JournalSource,
  type NewAnswer,
  type NewBatch,
  type Value,
} from '#inference'
import { Problem } from '#base/problem'
import { blockOpener, blockWriter, sequence } from './blocks.ts'
import { placeOf, type Connection } from './database.ts'
import type { NameTable } from './names.ts'

export const HOUR_MS = 3_600_000

/** The statements that add predictions. Each function runs inside a transaction that the caller began. */
export function appender(
  connection: Connection,
  names: NameTable,
  batchIn: JournalSource['batchIn'],
) {
  const single = singles(connection, names)
  const numbers = sequence(connection)
  const blocks = blockWriter(connection, names, numbers)
  const tally = tallies(connection)
  const open = blockOpener(connection, { keep: single.keep, batchIn })
  const count = (batch: BatchOutline): void => tally.count(names.endpoint(batch.endpoint), batch)
  const addSingle = (batch: NewBatch): void => {
    single.keep(numbers.take(1), batch)
    count(batch)
  }
  const add = (batch: NewBatch): void => {
    // One that its caller has named may be called as one that nobody has.
    if (batch.digest !== null) open(batch.id)
    addSingle(batch)
  }
  const settle = (onTwin?: (batch: BatchOutline) => void): void => {
    const held = blocks.settle()
    for (const batch of held.written) count(batch)
    for (const { batch, record } of held.single)
      try {
        addSingle(batchIn(record))
      } catch (error) {
        if (onTwin === undefined || !isTwin(error)) throw error
        onTwin(batch)
      }
    tally.settle()
  }

  return {
    ...endpointCounts(connection, names),
    append: (batch: NewBatch): void => {
      add(batch)
      settle()
    },
    /** One of many: what is counted of them is written by `settle`, before anything else is. */
    add,
    /** The same for one that the journal holds as `record`; false for one that has to be added by itself. */
    hold: blocks.hold,
    settle,
    /** Has a batch that lies in a block where single ones are. */
    open,
    /** What a transaction has held and counted that was undone. */
    forget: (): void => {
      blocks.forget()
      numbers.forget()
      tally.forget()
    },
    appendLate: (batch: string, answers: readonly NewAnswer[]): void => {
      settle()
      open(batch)
      const endpoint = single.addLate(batch, answers)
      if (endpoint !== undefined) blocks.expectLate(names.nameOf(endpoint))
    },
  }
}

/** Adds batches to the tables that have a row for each of their rows. */
function singles(connection: Connection, names: NameTable) {
  const insertBatch = batchWriter(connection, names)
  const addAnswer = answerWriter(connection, names)
  const addSubject = connection.prepare(
    'insert into subjects (place, endpoint, event_ms, key) values (?, ?, ?, ?)',
  )
  const addInputs = connection.prepare('insert into inputs (place, inputs) values (?, ?)')
  const findBatch = connection.prepare('select seq, endpoint from batches where id = ?')
  const lastBegun = connection
    .prepare(`select max(last_seq) from segments where endpoint = ? and kind = 'predictions'`)
    .pluck()
  return {
    keep: (seq: number, batch: NewBatch): void => {
      const endpoint = names.endpoint(batch.endpoint)
      insertBatch(seq, batch, endpoint)
      for (const [row, { eventMs, key, inputs }] of batch.rows.entries()) {
        addSubject.run(placeOf(seq, row), endpoint, eventMs, key)
        addInputs.run(placeOf(seq, row), jsonOf(inputs))
      }
      for (const answer of batch.answers) addAnswer(endpoint, seq, batch.rows.length, answer)
    },
    /** Gives the endpoint of the batch, if that is there. */
    addLate: (batch: string, answers: readonly NewAnswer[]): number | undefined => {
      const found = findBatch.get(batch) as { seq: number; endpoint: number } | undefined
      if (found === undefined) return undefined
      const sealed = (lastBegun.get(found.endpoint) as number | null) ?? 0
      // The segment's rows are fixed; one more would be lost when they are removed here.
      if (found.seq > sealed)
        for (const answer of answers)
          addAnswer(found.endpoint, found.seq, answer.outputs[0]?.length ?? 0, answer)
      return found.endpoint
    },
  }
}

function endpointCounts(connection: Connection, names: NameTable) {
  const advance = watermarks(connection)
  const watermark = connection.prepare('select watermark_ms from endpoints where id = ?').pluck()
  const addUnlogged = connection.prepare(
    `insert into hours (endpoint, hour, predictions, labels, unlogged) values (?, ?, 0, 0, ?)
     on conflict do update set unlogged = unlogged + excluded.unlogged`,
  )
  return {
    skip: (endpoint: string, predictions: number, atMs: number): void => {
      addUnlogged.run(names.endpoint(endpoint), Math.floor(atMs / HOUR_MS), predictions)
    },
    advance: (endpoint: string, timeMs: number): number => {
      const id = names.endpoint(endpoint)
      advance(id, timeMs)
      return watermark.get(id) as number
    },
  }
}

/** Whether a batch of this name is there already. */
export function isTwin(error: unknown): boolean {
  return error instanceof Problem && error.code === 'exists'
}

function batchWriter(connection: Connection, names: NameTable) {
  const add = connection.prepare(
    'insert into batches (seq, id, endpoint, digest, layout, revision, at_ms, latency_ms, rows, form) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict (id) do nothing',
  )
  return (seq: number, batch: NewBatch, endpoint: number): void => {
    const { id, digest, columns, form = null, atMs, latencyMs, rows } = batch
    const [live] = batch.answers
    if (live === undefined) throw new Error('a batch has the answer of its live revision')
    if (rows.length > ROWS_PER_BATCH_MAX)
      throw new Problem('limit', `a request has at most ${ROWS_PER_BATCH_MAX} rows; send several`)
    const layout = names.layout(columns)
    const revision = names.revision(endpoint, live.revision)
    const added = add.run(
      seq,
      id,
      endpoint,
      digest,
      layout,
      revision,
      atMs,
      latencyMs,
      rows.length,
      form,
    )
    if (added.changes === 0) throw new Problem('exists', `the request ${id} was answered before`)
  }
}

function answerWriter(connection: Connection, names: NameTable) {
  const add = connection.prepare(
    'insert or ignore into answers (place, revision, outputs) values (?, ?, ?)',
  )
  return (endpoint: number, seq: number, rows: number, { revision, outputs }: NewAnswer) => {
    const number = names.revision(endpoint, revision)
    for (let row = 0; row < rows; row++)
      add.run(placeOf(seq, row), number, jsonOf(outputs.map((output) => output[row] ?? null)))
  }
}

function watermarks(connection: Connection) {
  const advance = connection.prepare(
    'update endpoints set watermark_ms = max(coalesce(watermark_ms, @timeMs), @timeMs) where id = @endpoint',
  )
  return (endpoint: number, timeMs: number) => advance.run({ timeMs, endpoint })
}

/** What the batches of a transaction add to an endpoint. */
interface Tally {
  readonly endpoint: number
  /** Tells of rows of a batch whether their truth came before them; undefined where none can have. */
  readonly isTrue: ((batch: string) => (row: number, key: string | null) => boolean) | undefined
  latestMs: number
  readonly hours: Map<number, { predictions: number; labels: number }>
}

function countedIn({ hours }: Tally, hour: number): { predictions: number; labels: number } {
  const counted = hours.get(hour)
  if (counted !== undefined) return counted
  const fresh = { predictions: 0, labels: 0 }
  hours.set(hour, fresh)
  return fresh
}

/** Finds truths that came before their predictions: by an entity's key, or by the name that a prediction was to have. */
function earlyTruths(connection: Connection) {
  const any = connection
    .prepare('select 1 from truths where endpoint = ? and kind = ? limit 1')
    .pluck()
  const ofKey = connection
    .prepare(`select 1 from truths where endpoint = ? and kind = 'key' and ref = ?`)
    .pluck()
  // A digit or a dash comes before a full stop, so that these are all rows of the batch, and maybe some others.
  const ofBatch = connection
    .prepare(
      `select ref from truths where endpoint = ? and kind = 'prediction' and ref between ? || '-' and ? || '.'`,
    )
    .pluck()
  return (endpoint: number): Tally['isTrue'] => {
    const [keys, predictions] = ['key', 'prediction'].map(
      (kind) => any.get(endpoint, kind) !== undefined,
    )
    if (keys !== true && predictions !== true) return undefined
    return (batch) => {
      const refs = new Set(
        predictions === true ? (ofBatch.all(endpoint, batch, batch) as string[]) : [],
      )
      return (row, key) =>
        (refs.size > 0 && refs.has(`${batch}-${row}`)) ||
        (keys === true && key !== null && ofKey.get(endpoint, key) !== undefined)
    }
  }
}

/** Keeps how many predictions each hour has, how many of them a truth that came before them, and how far event time is. */
function tallies(connection: Connection) {
  const truths = earlyTruths(connection)
  const add = connection.prepare(
    `insert into hours (endpoint, hour, predictions, labels) values (?, ?, ?, ?)
     on conflict do update set predictions = predictions + excluded.predictions, labels = labels + excluded.labels`,
  )
  const advance = watermarks(connection)
  const open = new Map<number, Tally>()

  const tallyOf = (endpoint: number): Tally => {
    const known = open.get(endpoint)
    if (known !== undefined) return known
    const isTrue = truths(endpoint)
    const tally = { endpoint, isTrue, latestMs: Number.NEGATIVE_INFINITY, hours: new Map() }
    open.set(endpoint, tally)
    return tally
  }
  return {
    count: (endpoint: number, { id, rows }: BatchOutline): void => {
      const tally = tallyOf(endpoint)
      const isTrue = tally.isTrue?.(id)
      for (const [row, { eventMs, key }] of rows.entries()) {
        const counted = countedIn(tally, Math.floor(eventMs / HOUR_MS))
        counted.predictions += 1
        if (isTrue?.(row, key) === true) counted.labels += 1
        tally.latestMs = Math.max(tally.latestMs, eventMs)
      }
    },
    settle: (): void => {
      for (const { endpoint, hours, latestMs } of open.values()) {
        for (const [hour, { predictions, labels }] of hours)
          add.run(endpoint, hour, predictions, labels)
        if (hours.size > 0) advance(endpoint, latestMs)
      }
      open.clear()
    },
    forget: (): void => open.clear(),
  }
}

/**
 * JSON of values. A whole number that JSON would round is kept as text; NaN is null; infinities and -0, which JSON
 * has no words for, are numbers that are read as such.
 */
function jsonOf(values: readonly Value[]): string {
  return values.every(isPlain) ? JSON.stringify(values) : `[${values.map(exactJsonOf).join(',')}]`
}

function isPlain(value: Value): boolean {
  if (typeof value === 'number') return Number.isFinite(value) && !Object.is(value, -0)
  return typeof value !== 'bigint' && !Array.isArray(value)
}

function exactJsonOf(value: Value): string {
  if (Array.isArray(value)) return jsonOf(value as readonly Value[])
  if (typeof value === 'bigint') return JSON.stringify(String(value))
  if (Object.is(value, -0)) return '-0'
  if (value === Number.POSITIVE_INFINITY) return '1e999'
  return value === Number.NEGATIVE_INFINITY ? '-1e999' : JSON.stringify(value)
}
