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
  type Hash,
  type LedgerReads,
  type LedgerWrites,
  type Node,
  type Ref,
} from '#ledger'
import { chunksOf } from './chunks.ts'

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
      await insert(
        db,
        await grown(
          facts.map((fact, offset) => entryOf(fact, { position: first + offset, atMs, actor })),
          reads.node,
        ),
      )
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

interface Growth {
  readonly entries: readonly { readonly entry: Entry; readonly body: string }[]
  readonly nodes: readonly Node[]
}

/** What entries add to the ledger: their texts, and the hashes of the tree over them. */
async function grown(entries: readonly Entry[], kept: LedgerReads['node']): Promise<Growth> {
  const fresh = new Map<string, Hash>()
  const node: LedgerReads['node'] = async (level, index) =>
    fresh.get(`${level}/${index}`) ?? kept(level, index)
  const nodes: Node[] = []
  const texts = []
  for (const entry of entries) {
    const body = textOf(entry)
    texts.push({ entry, body })
    for (const each of await nodesOfAppend(entry.position, leafHash(body), node)) {
      fresh.set(`${each.level}/${each.index}`, each.hash)
      nodes.push(each)
    }
  }
  return { entries: texts, nodes }
}

/** Nobody waits between the statements: to a database that is far away they go together. */
async function insert(db: Kysely<LedgerTables>, { entries, nodes }: Growth): Promise<void> {
  const rows = entries.map(({ entry, body }) => ({
    position: entry.position,
    type: entry.type,
    at_ms: entry.atMs,
    event_ms: entry.eventMs ?? null,
    body,
  }))
  const hashes = nodes.map(({ level, index, hash }) => ({ level, idx: index, hash }))
  const edgeRows = entries.flatMap(({ entry }) => entry.edges.map(edgeRowOf(entry.position)))
  await Promise.all([
    ...chunksOf(rows).map((chunk) => db.insertInto('ledger_entries').values(chunk).execute()),
    ...chunksOf(hashes).map((chunk) => db.insertInto('ledger_nodes').values(chunk).execute()),
    ...chunksOf(edgeRows).map((chunk) => db.insertInto('ledger_edges').values(chunk).execute()),
  ])
}

function edgeRowOf(position: number) {
  return ({ from, relation, to }: Edge, ordinal: number): LedgerTables['ledger_edges'] => ({
    position,
    ordinal,
    from_kind: from.kind,
    from_id: from.id,
    relation,
    to_kind: to.kind,
    to_id: to.id,
  })
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
