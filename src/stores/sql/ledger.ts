import type { Kysely } from 'kysely'
import type { Clock } from '#base/clock'
import { invariant } from '#base/invariant'
import {
  entryIn,
  entryOf,
  leafHash,
  nodesOfAppend,
  textOf,
  type Edge,
  type Entry,
  type LedgerReads,
  type LedgerWrites,
  type Ref,
} from '#ledger'

export interface LedgerTables {
  ledger_entries: {
    position: number
    type: string
    at_ms: number
    event_ms: number | null
    body: string
  }
  ledger_nodes: { level: number; idx: number; hash: Buffer }
  ledger_checkpoints: { size: number; note: string; at_ms: number }
  ledger_edges: {
    position: number
    ordinal: number
    from_kind: string
    from_id: string
    relation: string
    to_kind: string
    to_id: string
  }
  ledger_cursors: { name: string; position: number }
}

export function ledgerReads(db: Kysely<LedgerTables>): LedgerReads {
  const size = async () => {
    const row = await db
      .selectFrom('ledger_entries')
      .select((e) => e.fn.max('position').as('last'))
      .executeTakeFirst()
    return (row?.last ?? -1) + 1
  }
  return {
    size,
    ...entryReads(db),
    node: async (level, index) => {
      const row = await db
        .selectFrom('ledger_nodes')
        .select('hash')
        .where('level', '=', level)
        .where('idx', '=', index)
        .executeTakeFirst()
      invariant(row !== undefined, `the ledger has the hash at level ${level}, index ${index}`)
      return row.hash
    },
    newestCheckpoint: async () => {
      const row = await db
        .selectFrom('ledger_checkpoints')
        .selectAll()
        .orderBy('size', 'desc')
        .limit(1)
        .executeTakeFirst()
      return row === undefined ? undefined : { size: row.size, note: row.note, atMs: row.at_ms }
    },
    edgesFrom: (from) => edges(db, 'from', from),
    edgesTo: (to) => edges(db, 'to', to),
    cursor: async (name) => {
      const row = await db
        .selectFrom('ledger_cursors')
        .select('position')
        .where('name', '=', name)
        .executeTakeFirst()
      return row?.position ?? -1
    },
  }
}

function entryReads(db: Kysely<LedgerTables>): Pick<LedgerReads, 'list' | 'newest' | 'find'> {
  const entries = db.selectFrom('ledger_entries').selectAll()
  return {
    list: async ({ after, limit, types }) => {
      let query = entries.where('position', '>', after).orderBy('position').limit(limit)
      if (types !== undefined) query = query.where('type', 'in', [...types])
      return (await query.execute()).map(entryOfRow)
    },
    newest: async ({ before, limit, types }) => {
      let query = entries.orderBy('position', 'desc').limit(limit)
      if (before !== undefined) query = query.where('position', '<', before)
      if (types !== undefined) query = query.where('type', 'in', [...types])
      return (await query.execute()).map(entryOfRow)
    },
    find: async (position) => {
      const row = await entries.where('position', '=', position).executeTakeFirst()
      return row === undefined ? undefined : entryOfRow(row)
    },
  }
}

export function ledgerWrites(db: Kysely<LedgerTables>, clock: Clock): LedgerWrites {
  const reads = ledgerReads(db)
  return {
    ...reads,
    append: async (actor, facts) => {
      const first = await reads.size()
      const atMs = clock.nowMs()
      for (const [offset, fact] of facts.entries())
        await appendOne(db, reads, entryOf(fact, { position: first + offset, atMs, actor }))
      return facts.map((_, offset) => first + offset)
    },
    saveCheckpoint: async ({ size, note, atMs }) => {
      await db.insertInto('ledger_checkpoints').values({ size, note, at_ms: atMs }).execute()
    },
    saveCursor: async (name, position) => {
      await db
        .insertInto('ledger_cursors')
        .values({ name, position })
        .onConflict((conflict) => conflict.column('name').doUpdateSet({ position }))
        .execute()
    },
  }
}

async function appendOne(
  db: Kysely<LedgerTables>,
  reads: LedgerReads,
  entry: Entry,
): Promise<void> {
  const body = textOf(entry)
  const nodes = await nodesOfAppend(entry.position, leafHash(body), reads.node)
  await db
    .insertInto('ledger_entries')
    .values({
      position: entry.position,
      type: entry.type,
      at_ms: entry.atMs,
      event_ms: entry.eventMs ?? null,
      body,
    })
    .execute()
  await db
    .insertInto('ledger_nodes')
    .values(nodes.map((node) => ({ level: node.level, idx: node.index, hash: node.hash })))
    .execute()
  if (entry.edges.length === 0) return
  await db
    .insertInto('ledger_edges')
    .values(
      entry.edges.map((edge, ordinal) => ({
        position: entry.position,
        ordinal,
        from_kind: edge.from.kind,
        from_id: edge.from.id,
        relation: edge.relation,
        to_kind: edge.to.kind,
        to_id: edge.to.id,
      })),
    )
    .execute()
}

/** An entry as its columns and its text tell it; `audit verify` holds the two against each other. */
function entryOfRow(row: LedgerTables['ledger_entries']): Entry {
  const { eventMs: _, ...entry } = entryIn(row.body)
  return {
    ...entry,
    position: row.position,
    type: row.type,
    atMs: row.at_ms,
    ...(row.event_ms === null ? {} : { eventMs: row.event_ms }),
  }
}

async function edges(
  db: Kysely<LedgerTables>,
  side: 'from' | 'to',
  ref: Ref,
): Promise<(Edge & { position: number })[]> {
  const rows = await db
    .selectFrom('ledger_edges')
    .selectAll()
    .where(`${side}_kind`, '=', ref.kind)
    .where(`${side}_id`, '=', ref.id)
    .orderBy('position')
    .orderBy('ordinal')
    .execute()
  return rows.map(edgeOfRow)
}

export function edgeOfRow(row: LedgerTables['ledger_edges']): Edge & { position: number } {
  return {
    position: row.position,
    from: { kind: row.from_kind as Ref['kind'], id: row.from_id },
    relation: row.relation,
    to: { kind: row.to_kind as Ref['kind'], id: row.to_id },
  }
}
