import type { NewAnswer, NewBatch, NewPrediction, Value } from '#inference'
import { Problem } from '#base/problem'
import { placeOf, ROWS_PER_BATCH_MAX, type Connection } from './database.ts'
import type { NameTable } from './names.ts'

export const HOUR_MS = 3_600_000

/** The statements that add predictions. Each function runs inside a transaction that the caller began. */
export function appender(connection: Connection, names: NameTable) {
  const insertBatch = batchWriter(connection, names)
  const addAnswer = answerWriter(connection, names)
  const count = hourCounter(connection)
  const addSubject = connection.prepare(
    'insert into subjects (place, endpoint, event_ms, key) values (?, ?, ?, ?)',
  )
  const addInputs = connection.prepare('insert into inputs (place, inputs) values (?, ?)')
  const advance = connection.prepare(
    'update endpoints set watermark_ms = max(coalesce(watermark_ms, @timeMs), @timeMs) where id = @endpoint',
  )
  const addUnlogged = connection.prepare(
    `insert into hours (endpoint, hour, predictions, labels, unlogged) values (?, ?, 0, 0, ?)
     on conflict do update set unlogged = unlogged + excluded.unlogged`,
  )
  const findBatch = connection.prepare('select seq, endpoint from batches where id = ?')
  const lastBegun = connection
    .prepare(`select max(last_seq) from segments where endpoint = ? and kind = 'predictions'`)
    .pluck()

  return {
    append: (batch: NewBatch): void => {
      const endpoint = names.endpoint(batch.endpoint)
      const seq = insertBatch(batch, endpoint)
      for (const [row, { eventMs, key, inputs }] of batch.rows.entries()) {
        addSubject.run(placeOf(seq, row), endpoint, eventMs, key)
        addInputs.run(placeOf(seq, row), jsonOf(inputs))
      }
      for (const answer of batch.answers) addAnswer(endpoint, seq, batch.rows.length, answer)
      count(endpoint, batch)
      if (batch.rows.length > 0) advance.run({ timeMs: latestOf(batch.rows), endpoint })
    },
    appendLate: (batch: string, answers: readonly NewAnswer[]): void => {
      const found = findBatch.get(batch) as { seq: number; endpoint: number } | undefined
      if (found === undefined) return
      const sealed = (lastBegun.get(found.endpoint) as number | null) ?? 0
      // The segment's rows are fixed; one more would be lost when they are removed here.
      if (found.seq <= sealed) return
      for (const answer of answers)
        addAnswer(found.endpoint, found.seq, answer.outputs[0]?.length ?? 0, answer)
    },
    skip: (endpoint: string, predictions: number, atMs: number): void => {
      addUnlogged.run(names.endpoint(endpoint), Math.floor(atMs / HOUR_MS), predictions)
    },
    advance: (endpoint: string, timeMs: number): void => {
      advance.run({ timeMs, endpoint: names.endpoint(endpoint) })
    },
  }
}

function batchWriter(connection: Connection, names: NameTable) {
  const isTaken = connection.prepare('select 1 from batches where id = ?').pluck()
  const add = connection.prepare(
    'insert into batches (id, endpoint, digest, layout, revision, at_ms, latency_ms, rows, form) values (?, ?, ?, ?, ?, ?, ?, ?, ?)',
  )
  return (batch: NewBatch, endpoint: number): number => {
    const { id, digest, columns, form = null, atMs, latencyMs, rows } = batch
    const [live] = batch.answers
    if (live === undefined) throw new Error('a batch has the answer of its live revision')
    if (rows.length >= ROWS_PER_BATCH_MAX)
      throw new Problem(
        'limit',
        `a request has at most ${ROWS_PER_BATCH_MAX - 1} rows; send several`,
      )
    if (isTaken.get(id) !== undefined)
      throw new Problem('exists', `the request ${id} was answered before`)
    const layout = names.layout(columns)
    const revision = names.revision(endpoint, live.revision)
    const added = add.run(
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
    return Number(added.lastInsertRowid)
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

/** Keeps how many predictions each hour has, and how many of them a truth that came before them. */
function hourCounter(connection: Connection) {
  const isTrue = connection
    .prepare(
      `select 1 from truths where endpoint = ? and ((kind = 'key' and ref = ?) or (kind = 'prediction' and ref = ?))`,
    )
    .pluck()
  const add = connection.prepare(
    `insert into hours (endpoint, hour, predictions, labels) values (?, ?, ?, ?)
     on conflict do update set predictions = predictions + excluded.predictions, labels = labels + excluded.labels`,
  )
  return (endpoint: number, { id, rows }: NewBatch) => {
    const hours = new Map<number, { predictions: number; labels: number }>()
    for (const [row, { eventMs, key }] of rows.entries()) {
      const hour = Math.floor(eventMs / HOUR_MS)
      const counted = hours.get(hour) ?? { predictions: 0, labels: 0 }
      counted.predictions += 1
      if (isTrue.get(endpoint, key, `${id}-${row}`) !== undefined) counted.labels += 1
      hours.set(hour, counted)
    }
    for (const [hour, { predictions, labels }] of hours)
      add.run(endpoint, hour, predictions, labels)
  }
}

function latestOf(rows: readonly NewPrediction[]): number {
  return rows.reduce((latest, { eventMs }) => Math.max(latest, eventMs), Number.NEGATIVE_INFINITY)
}

/** JSON of values; a whole number that JSON would round is kept as text. */
function jsonOf(values: readonly Value[]): string {
  try {
    return JSON.stringify(values)
  } catch {
    return JSON.stringify(values, (_, value: unknown) =>
      typeof value === 'bigint' ? String(value) : value,
    )
  }
}
