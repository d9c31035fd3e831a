import type { BatchOutline } from '#inference'
import type { Truth, TruthsRecorded } from '#serving'
import { HOUR_MS } from './append.ts'
import { blockFinder, recordsIn, thinIn, type Block } from './block-codec.ts'
import { placeOf, rowOfPlace, type Connection } from './database.ts'
import type { NameTable } from './names.ts'

/** A prediction that a truth is about. */
interface Subject {
  readonly place: number
  readonly event_ms: number
  readonly key: string | null
  readonly batch: string
}

/** A truth by the log's own name for what it is about, and the predictions that it is about. */
interface Settled {
  readonly truth: Truth
  readonly ref: Truth['ref']
  readonly subjects: readonly Subject[]
}

/** The statements that add truths, inside a transaction that the caller began. */
export function truthKeeper(
  connection: Connection,
  names: NameTable,
  outlineIn: (record: Buffer) => BatchOutline,
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
  const addCounts = connection.prepare(
    'update hours set labels = labels + ?, replaced = replaced + ? where endpoint = ? and hour = ?',
  )
  const settle = truthSettler(connection, outlineIn)

  /** Whether the prediction had a label already, by the other way of naming it. */
  const labelledOtherwise = (endpoint: number, by: Truth['ref']['by'], subject: Subject) => {
    const [kind, ref] = by === 'key' ? ['prediction', idOf(subject)] : ['key', subject.key]
    return ref !== null && find.get(endpoint, kind, ref) !== undefined
  }
  const recordOne = (
    endpoint: number,
    { truth, ref: { by, value }, subjects }: Settled,
    { atMs, hours }: { atMs: number; hours: HourCounts },
  ) => {
    const label = JSON.stringify(truth.label)
    const before = find.get(endpoint, by, value) as string | undefined
    if (before === label) return 'unchanged'
    keep.run(endpoint, by, value, label, truth.timeMs, atMs)
    log.run(endpoint, by, value, label, truth.timeMs, atMs)
    for (const subject of subjects)
      if (before !== undefined) hours.add(subject.event_ms, 'replaced')
      else if (!labelledOtherwise(endpoint, by, subject)) hours.add(subject.event_ms, 'labels')
    return before === undefined ? 'accepted' : 'replaced'
  }

  return {
    record: (name: string, truths: readonly Truth[], atMs: number): TruthsRecorded => {
      const endpoint = names.endpoint(name)
      const recorded = { accepted: 0, unchanged: 0, replaced: 0, unknown: 0 }
      const hours = hourCounts()
      for (const settled of settle(endpoint, truths)) {
        recorded[recordOne(endpoint, settled, { atMs, hours })] += 1
        if (settled.subjects.length === 0) recorded.unknown += 1
      }
      for (const [hour, { labels, replaced }] of hours.all())
        addCounts.run(labels, replaced, endpoint, hour)
      return recorded
    },
  }
}

type HourCounts = ReturnType<typeof hourCounts>

/** What truths add to the counts of hours; each hour is written once. */
function hourCounts() {
  const found = new Map<number, { labels: number; replaced: number }>()
  return {
    add: (eventMs: number, what: 'labels' | 'replaced'): void => {
      const hour = Math.floor(eventMs / HOUR_MS)
      const counts = found.get(hour) ?? { labels: 0, replaced: 0 }
      counts[what] += 1
      found.set(hour, counts)
    },
    all: () => found,
  }
}

/** Finds the predictions that truths are about. */
function truthSettler(connection: Connection, outlineIn: (record: Buffer) => BatchOutline) {
  // One table at a time: each further one of a statement costs as much as ten of these.
  const toldPlace = connection
    .prepare('select place from told where id = ? and endpoint = ?')
    .pluck()
  const batchAt = connection.prepare('select id from batches where seq = ?').pluck()
  const seqOf = connection.prepare('select seq from batches where id = ?').pluck()
  const rowAt = connection.prepare(
    'select place, event_ms, key from subjects where place = ? and endpoint = ?',
  )
  const rowsOfKey = connection.prepare(
    'select place, event_ms, key from subjects where endpoint = ? and key = ?',
  )
  const named = ({ place, event_ms, key }: Omit<Subject, 'batch'>, batch?: string): Subject => {
    return { place, event_ms, key, batch: batch ?? (batchAt.get(seqAt(place)) as string) }
  }
  const subjectAt = (endpoint: number, place: number, batch?: string): Subject | undefined => {
    const row = rowAt.get(place, endpoint) as Omit<Subject, 'batch'> | undefined
    return row && named(row, batch)
  }
  const single = (endpoint: number, { batch, row }: Named): Subject | undefined => {
    const seq = seqOf.get(batch) as number | undefined
    return seq === undefined ? undefined : subjectAt(endpoint, placeOf(seq, row), batch)
  }
  const subjectsInBlocks = blockSubjects(connection, outlineIn)
  const settledOne = (
    endpoint: number,
    truth: Truth,
    inBlocks: ReturnType<ReturnType<typeof blockSubjects>>,
  ): Settled => {
    const { ref } = truth
    if (ref.by === 'key') {
      const rows = rowsOfKey.all(endpoint, ref.value) as Omit<Subject, 'batch'>[]
      return { truth, ref, subjects: rows.map((row) => named(row)) }
    }
    const place = toldPlace.get(ref.value, endpoint) as number | undefined
    const told = place === undefined ? undefined : subjectAt(endpoint, place)
    if (told !== undefined)
      return { truth, ref: { by: 'prediction', value: idOf(told) }, subjects: [told] }
    const id = predictionIn(ref.value)
    const subject =
      id && (inBlocks.known(endpoint, id) ?? single(endpoint, id) ?? inBlocks.find(endpoint, id))
    return { truth, ref, subjects: subject === undefined ? [] : [subject] }
  }
  return (endpoint: number, truths: readonly Truth[]): Settled[] => {
    const settled: Settled[] = []
    const inBlocks = subjectsInBlocks()
    // In the order of their names, so that each block is read once, however its truths are mixed.
    for (const at of orderOf(truths))
      settled[at] = settledOne(endpoint, truths[at] as Truth, inBlocks)
    return settled
  }
}

function orderOf(truths: readonly Truth[]): Iterable<number> {
  const isOrdered = truths.every(
    ({ ref }, at) => at === 0 || (truths[at - 1] as Truth).ref.value <= ref.value,
  )
  if (isOrdered) return truths.keys()
  const values = truths.map(({ ref }) => ref.value)
  return Array.from(truths.keys()).toSorted((one, other) =>
    (values[one] as string) < (values[other] as string) ? -1 : 1,
  )
}

interface Named {
  readonly batch: string
  readonly row: number
}

/**
 * Finds predictions in blocks, and leaves those as they are. What was read last is kept for the next, and no longer than
 * one report: later the block may be another.
 */
function blockSubjects(connection: Connection, outlineIn: (record: Buffer) => BatchOutline) {
  const mayHold = blockFinder(connection)
  return () => {
    let read = new Map<string, Outlined>()
    const known = (endpoint: number, { batch, row }: Named): Subject | undefined => {
      const found = read.get(batch)
      const eventMs = found?.endpoint === endpoint ? found.eventsMs[row] : undefined
      if (found === undefined || eventMs === undefined) return undefined
      return { place: placeOf(found.seq, row), event_ms: eventMs, key: null, batch }
    }
    const find = (endpoint: number, named: Named): Subject | undefined => {
      if (read.has(named.batch)) return undefined
      for (const block of mayHold(named.batch)) {
        const outlined = outlinesIn(block, outlineIn)
        if (!outlined.has(named.batch)) continue
        read = outlined
        return known(endpoint, named)
      }
      return undefined
    }
    return { known, find }
  }
}

/** A batch of a block. */
interface Outlined {
  readonly endpoint: number
  readonly seq: number
  readonly eventsMs: readonly number[]
}

function outlinesIn(
  block: Block,
  outlineIn: (record: Buffer) => BatchOutline,
): Map<string, Outlined> {
  const { endpoint, first_seq: first } = block
  const batches =
    block.packed === null
      ? thinIn(block)
      : recordsIn(block).map((record) => {
          const { id, rows } = outlineIn(record)
          return { id, eventsMs: rows.map(({ eventMs }) => eventMs) }
        })
  return new Map(
    batches.map(({ id, eventsMs }, at) => [id, { endpoint, seq: first + at, eventsMs }]),
  )
}

function seqAt(place: number): number {
  return (place - rowOfPlace(place)) / placeOf(1, 0)
}

function idOf({ batch, place }: Subject): string {
  return `${batch}-${rowOfPlace(place)}`
}

/** `<batch>-<row>` in its parts; a batch's own name may have dashes. */
export function predictionIn(id: string): { batch: string; row: number } | undefined {
  const [, batch, row] = /^(.+)-(\d{1,7})$/.exec(id) ?? []
  return batch === undefined ? undefined : { batch, row: Number(row) }
}

export type TruthKeeper = ReturnType<typeof truthKeeper>
