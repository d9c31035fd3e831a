import type { NewAnswer, NewBatch, Value } from '#serving'
import { Problem } from '#base/problem'
import { placeOf, ROWS_PER_BATCH_MAX, type Connection } from './database.ts'
import type { NameTable } from './names.ts'

export const HOUR_MS = 3_600_000

/** The statements that add predictions. Each function runs inside a transaction that the caller began. */
export function appender(connection: Connection, names: NameTable) {
  const addBatch = connection.prepare(
    'insert into batches (id, endpoint, digest, layout, revision, at_ms, rows) values (?, ?, ?, ?, ?, ?, ?)',
  )
  const addSubject = connection.prepare(
    'insert into subjects (place, endpoint, event_ms, key) values (?, ?, ?, ?)',
  )
  const addInputs = connection.prepare('insert into inputs (place, inputs) values (?, ?)')
  const addAnswer = connection.prepare(
    'insert or ignore into answers (place, revision, outputs) values (?, ?, ?)',
  )
  const isTrue = connection
    .prepare(
      `select 1 from truths where endpoint = ? and ((kind = 'key' and ref = ?) or (kind = 'prediction' and ref = ?))`,
    )
    .pluck()
  const count = connection.prepare(
    `insert into hours (endpoint, hour, predictions, labels) values (?, ?, ?, ?)
     on conflict do update set predictions = predictions + excluded.predictions, labels = labels + excluded.labels`,
  )
  const advance = connection.prepare(
    'update endpoints set watermark_ms = max(coalesce(watermark_ms, @timeMs), @timeMs) where id = @endpoint',
  )
  const findBatch = connection.prepare('select seq, endpoint from batches where id = ?')
  const lastBegun = connection
    .prepare(`select max(last_seq) from segments where endpoint = ? and kind = 'predictions'`)
    .pluck()

  const append = (batch: NewBatch): void => {
    const endpoint = names.endpoint(batch.endpoint)
    const seq = insertBatch(batch, endpoint)
    const hours = new Map<number, { predictions: number; labels: number }>()
    let latestMs = Number.NEGATIVE_INFINITY
    for (const [row, { eventMs, key, inputs }] of batch.rows.entries()) {
      const place = placeOf(seq, row)
      addSubject.run(place, endpoint, eventMs, key)
      addInputs.run(place, jsonOf(inputs))
      const hour = Math.floor(eventMs / HOUR_MS)
      const counted = hours.get(hour) ?? { predictions: 0, labels: 0 }
      counted.predictions += 1
      if (isTrue.get(endpoint, key, `${batch.id}-${row}`) !== undefined) counted.labels += 1
      hours.set(hour, counted)
      latestMs = Math.max(latestMs, eventMs)
    }
    for (const answer of batch.answers)
      addAnswers({ endpoint, seq, rows: batch.rows.length }, answer)
    for (const [hour, { predictions, labels }] of hours)
      count.run(endpoint, hour, predictions, labels)
    if (batch.rows.length > 0) advance.run({ timeMs: latestMs, endpoint })
  }

  const insertBatch = (batch: NewBatch, endpoint: number): number => {
    if (batch.rows.length >= ROWS_PER_BATCH_MAX)
      throw new Problem(
        'limit',
        `a request has at most ${ROWS_PER_BATCH_MAX - 1} rows; send several`,
      )
    const [live] = batch.answers
    if (live === undefined) throw new Error('a batch has the answer of its live revision')
    if (findBatch.get(batch.id) !== undefined)
      throw new Problem('exists', `the request ${batch.id} was answered before`)
    const added = addBatch.run(
      batch.id,
      endpoint,
      batch.digest,
      names.layout(batch.columns),
      names.revision(endpoint, live.revision),
      batch.atMs,
      batch.rows.length,
    )
    return Number(added.lastInsertRowid)
  }

  const addAnswers = (
    { endpoint, seq, rows }: { endpoint: number; seq: number; rows: number },
    { revision, outputs }: NewAnswer,
  ) => {
    const number = names.revision(endpoint, revision)
    for (let row = 0; row < rows; row++)
      addAnswer.run(placeOf(seq, row), number, jsonOf(outputs.map((output) => output[row] ?? null)))
  }

  return {
    append,
    appendLate: (batch: string, answers: readonly NewAnswer[]): void => {
      const found = findBatch.get(batch) as { seq: number; endpoint: number } | undefined
      if (found === undefined) return
      const sealed = (lastBegun.get(found.endpoint) as number | null) ?? 0
      // The segment's rows are fixed; one more would be lost when they are removed here.
      if (found.seq <= sealed) return
      for (const answer of answers)
        addAnswers({ ...found, rows: answer.outputs[0]?.length ?? 0 }, answer)
    },
    advance: (endpoint: string, timeMs: number): void => {
      advance.run({ timeMs, endpoint: names.endpoint(endpoint) })
    },
  }
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
