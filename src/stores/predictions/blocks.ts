import type { BatchOutline, JournalSource, NewBatch } from '#inference'
import {
  alike,
  batchesIn,
  blockFinder,
  packed,
  recordsIn,
  thinIn,
  thinned,
  type Block,
} from './block-codec.ts'
import { placeOf, type Connection } from './database.ts'
import type { NameTable } from './names.ts'

/** Fewer rows than these are kept one by one: a block of them would be no smaller, and slower to ask. */
const ROWS_MIN = 32

/** Records of one block: opening it for the sake of one request takes some milliseconds. */
const BYTES_MAX = 1 << 18

interface Waiting {
  readonly batch: BatchOutline
  readonly record: Uint8Array
}

/** Gives batches their numbers: each greater than all that there are. */
export function sequence(connection: Connection) {
  const newest = connection
    .prepare(
      `select max((select coalesce(max(seq), 0) from batches), (select coalesce(max(last_seq), 0) from blocks))`,
    )
    .pluck()
  let last: number | undefined
  return {
    /** The first of so many. */
    take: (count: number): number => {
      last ??= newest.get() as number
      const first = last + 1
      last += count
      return first
    },
    forget: (): void => {
      last = undefined
    },
  }
}

/**
 * Keeps batches in blocks that nothing is asked of yet but their rows: one insertion for many of them. Each function runs
 * inside a transaction that the caller began.
 */
export function blockWriter(
  connection: Connection,
  names: NameTable,
  { take }: ReturnType<typeof sequence>,
) {
  const insert = connection.prepare(
    `insert into blocks (first_seq, last_seq, endpoint, first_id, last_id, from_ms, to_ms, rows, packed)
     values (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  )
  const isTaken = connection.prepare('select 1 from batches where id between ? and ? limit 1')
  /** Batches of one endpoint whose names begin alike, as many as make a block. */
  const groups = new Map<string, Waiting[]>()
  const full: Waiting[][] = []
  const sizes = new WeakMap<Waiting[], number>()
  /** What shadows say there comes later and by name. */
  const withLate = new Set<string>()

  const write = (group: readonly Waiting[]): void => {
    const ids = group.map(({ batch }) => batch.id).toSorted()
    const span = spanOf(group)
    const first = take(group.length)
    insert.run(
      first,
      first + group.length - 1,
      names.endpoint((group[0] as Waiting).batch.endpoint),
      ids[0],
      ids.at(-1),
      span.fromMs,
      span.toMs,
      rowsIn(group),
      packed(group.map(({ record }) => record)),
    )
  }
  const fitsTogether = (group: readonly Waiting[]): boolean => {
    if (rowsIn(group) < ROWS_MIN) return false
    const ids = group.map(({ batch }) => batch.id).toSorted()
    const isEachOnce = ids.every((id, index) => id !== ids[index - 1])
    return isEachOnce && isTaken.get(ids[0], ids.at(-1)) === undefined
  }
  return {
    /** Holds a batch until `settle`; false for one that has to be kept by itself. */
    hold: (batch: BatchOutline, record: Uint8Array): boolean => {
      if (withLate.has(batch.endpoint) || !isPlain(batch)) return false
      const name = `${alike(batch.id)} ${batch.endpoint}`
      const group = groups.get(name) ?? []
      group.push({ batch, record })
      const bytes = (sizes.get(group) ?? 0) + record.length
      sizes.set(group, bytes)
      if (bytes < BYTES_MAX) groups.set(name, group)
      else {
        groups.delete(name)
        full.push(group)
      }
      return true
    },
    /** Writes what is held; gives what was written, and what has to be kept by itself after all. */
    settle: (): { written: BatchOutline[]; single: Waiting[] } => {
      const written: BatchOutline[] = []
      const single: Waiting[] = []
      for (const group of [...full.splice(0), ...groups.values()]) {
        const fits = fitsTogether(group)
        if (fits) write(group)
        if (fits) for (const { batch } of group) written.push(batch)
        else single.push(...group)
      }
      groups.clear()
      return { written, single }
    },
    expectLate: (endpoint: string): void => void withLate.add(endpoint),
    forget: (): void => {
      groups.clear()
      full.length = 0
    },
  }
}

/** Nobody but its own name leads to such a batch. */
function isPlain({ digest, form, answers, rows }: BatchOutline): boolean {
  return (
    digest === null &&
    form === undefined &&
    answers.length === 1 &&
    rows.length > 0 &&
    rows.every(({ key }) => key === null)
  )
}

function rowsIn(group: readonly Waiting[]): number {
  return group.reduce((sum, { batch }) => sum + batch.rows.length, 0)
}

function spanOf(group: readonly Waiting[]): { fromMs: number; toMs: number } {
  let fromMs = Number.MAX_SAFE_INTEGER
  let toMs = Number.MIN_SAFE_INTEGER
  for (const { batch } of group)
    for (const { eventMs } of batch.rows) {
      fromMs = Math.min(fromMs, eventMs)
      toMs = Math.max(toMs, eventMs)
    }
  return { fromMs, toMs }
}

/** Opens blocks into the tables of single batches; inside a transaction that the caller began. */
export function blockOpener(
  connection: Connection,
  parts: {
    /** Adds a batch under its number, without counting it. */
    keep: (seq: number, batch: NewBatch) => void
    batchIn: JournalSource['batchIn']
  },
) {
  const mayHold = blockFinder(connection)
  const remove = connection.prepare('delete from blocks where first_seq = ?')
  const addThin = connection.prepare(
    'insert into batches (seq, id, endpoint, layout, revision, at_ms, latency_ms, rows) values (?, ?, ?, ?, ?, ?, ?, ?)',
  )
  const addSubject = connection.prepare(
    'insert into subjects (place, endpoint, event_ms) values (?, ?, ?)',
  )
  const openThin = (block: Block, id: string): boolean => {
    const batches = thinIn(block)
    if (!batches.some((batch) => batch.id === id)) return false
    for (const [index, { eventsMs, ...batch }] of batches.entries()) {
      const seq = block.first_seq + index
      const { layout, revision, atMs, latencyMs } = batch
      const size = eventsMs.length
      addThin.run(seq, batch.id, block.endpoint, layout, revision, atMs, latencyMs, size)
      for (const [row, eventMs] of eventsMs.entries())
        addSubject.run(placeOf(seq, row), block.endpoint, eventMs)
    }
    return true
  }
  const openWhole = (block: Block, id: string): boolean => {
    const batches = batchesIn(block, parts.batchIn)
    if (!batches.some(({ batch }) => batch.id === id)) return false
    for (const { seq, batch } of batches) parts.keep(seq, batch)
    return true
  }
  /** Opens the block that holds this batch, if one does. */
  return (id: string): void => {
    for (const block of mayHold(id))
      if (block.packed === null ? openThin(block, id) : openWhole(block, id)) {
        remove.run(block.first_seq)
        return
      }
  }
}

/** Leaves of some blocks that are read from segments only what is kept for ever; gives how many there were. */
export function thinBlocks(
  connection: Connection,
  { names, outlineIn }: { names: NameTable; outlineIn: JournalSource['outlineIn'] },
) {
  const select = connection.prepare(
    'select * from blocks where endpoint = ? and last_seq <= ? and packed is not null order by last_seq limit ?',
  )
  const thin = connection.prepare('update blocks set packed = null, thin = ? where first_seq = ?')
  return (endpoint: number, sealedSeq: number, most: number): number => {
    const blocks = select.all(endpoint, sealedSeq, most) as Block[]
    for (const block of blocks) {
      const kept = recordsIn(block).map((record) => {
        const { id, columns, answers, atMs, latencyMs, rows } = outlineIn(record)
        const [live] = answers as [BatchOutline['answers'][number]]
        return {
          id,
          layout: names.layout(columns),
          revision: names.revision(endpoint, live.revision),
          atMs,
          latencyMs,
          eventsMs: rows.map(({ eventMs }) => eventMs),
        }
      })
      thin.run(thinned(kept), block.first_seq)
    }
    return blocks.length
  }
}
