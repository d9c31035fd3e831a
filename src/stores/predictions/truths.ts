import type { Truth, TruthsRecorded } from '#serving'
import { HOUR_MS } from './append.ts'
import { placeOf, rowOfPlace, type Connection } from './database.ts'
import type { NameTable } from './names.ts'
import { toldNames } from './told-names.ts'

interface Subject {
  readonly place: number
  readonly event_ms: number
  readonly key: string | null
  readonly batch: string
}

/** The statements that add truths, inside a transaction that the caller began. */
export function truthKeeper(
  connection: Connection,
  names: NameTable,
  open: (batch: string) => void,
) {
  const find = connection
    .prepare('select label from truths where endpoint = ? and kind = ? and ref = ?')
    .pluck()
  const keep = connection.prepare(
    `insert into truths (endpoint, kind, ref, label, time_ms, at_ms) values (?, ?, ?, ?, ?, ?)
     on conflict do update set label = excluded.label, time_ms = excluded.time_ms, at_ms = excluded.at_ms`,
  )
  const log = connection.prepare(
    'insert into truth_log (endpoint, kind, ref, label, time_ms, at_ms) values (?, ?, ?, ?, ?, ?)',
  )
  const count = connection.prepare(
    'update hours set labels = labels + 1 where endpoint = ? and hour = ?',
  )
  const replace = connection.prepare(
    'update hours set replaced = replaced + 1 where endpoint = ? and hour = ?',
  )
  const subjectsOf = subjectReader(connection, open)

  /** Whether the prediction had a label already, by the other way of naming it. */
  const labelledOtherwise = (endpoint: number, by: Truth['ref']['by'], subject: Subject) => {
    const [kind, ref] =
      by === 'key'
        ? ['prediction', `${subject.batch}-${rowOfPlace(subject.place)}`]
        : ['key', subject.key]
    return ref !== null && find.get(endpoint, kind, ref) !== undefined
  }

  const told = toldNames(connection)
  const recordOne = (endpoint: number, truth: Truth, atMs: number) => {
    const { by, value } = told.settled(endpoint, truth.ref)
    const label = JSON.stringify(truth.label)
    const before = find.get(endpoint, by, value) as string | undefined
    const subjects = subjectsOf(endpoint, { by, value })
    const known = subjects.length > 0
    if (before === label) return { outcome: 'unchanged', known } as const
    keep.run(endpoint, by, value, label, truth.timeMs, atMs)
    log.run(endpoint, by, value, label, truth.timeMs, atMs)
    if (before !== undefined) {
      for (const subject of subjects) replace.run(endpoint, Math.floor(subject.event_ms / HOUR_MS))
      return { outcome: 'replaced', known } as const
    }
    for (const subject of subjects)
      if (!labelledOtherwise(endpoint, by, subject))
        count.run(endpoint, Math.floor(subject.event_ms / HOUR_MS))
    return { outcome: 'accepted', known } as const
  }

  return {
    record: (name: string, truths: readonly Truth[], atMs: number): TruthsRecorded => {
      const endpoint = names.endpoint(name)
      const recorded = { accepted: 0, unchanged: 0, replaced: 0, unknown: 0 }
      for (const truth of truths) {
        const { outcome, known } = recordOne(endpoint, truth, atMs)
        recorded[outcome] += 1
        if (!known) recorded.unknown += 1
      }
      return recorded
    },
  }
}

/** Finds the predictions that a truth is about. */
function subjectReader(connection: Connection, open: (batch: string) => void) {
  const byKey = connection.prepare(
    `select s.place, s.event_ms, s.key, b.id as batch from subjects s join batches b on b.seq = s.place >> 20
     where s.endpoint = ? and s.key = ?`,
  )
  const byPlace = connection.prepare(
    `select s.place, s.event_ms, s.key, b.id as batch from subjects s join batches b on b.seq = s.place >> 20
     where s.place = ? and s.endpoint = ?`,
  )
  const findSeq = connection.prepare('select seq from batches where id = ?').pluck()

  return (endpoint: number, { by, value }: Truth['ref']): Subject[] => {
    if (by === 'key') return byKey.all(endpoint, value) as Subject[]
    const id = predictionIn(value)
    if (id !== undefined) open(id.batch)
    const seq = id === undefined ? undefined : (findSeq.get(id.batch) as number | undefined)
    if (id === undefined || seq === undefined) return []
    return byPlace.all(placeOf(seq, id.row), endpoint) as Subject[]
  }
}

/** `<batch>-<row>` in its parts; a batch's own name may have dashes. */
export function predictionIn(id: string): { batch: string; row: number } | undefined {
  const [, batch, row] = /^(.+)-(\d{1,7})$/.exec(id) ?? []
  return batch === undefined ? undefined : { batch, row: Number(row) }
}

export type TruthKeeper = ReturnType<typeof truthKeeper>
