import { sql, type Kysely, type Selectable } from 'kysely'
import type { HistoryReads, HistoryWrites, KeptChange, Life } from '#registry'
import { chunksOf } from '../chunks.ts'
import type { HistoryTables } from './tables.ts'

type Db = Kysely<HistoryTables>

export function historyReads(db: Db): HistoryReads {
  const names = () => db.selectFrom('registry_names').select(['life', 'name', 'created_ms'])
  return {
    positionAt: async (atMs) => {
      const row = await db
        .selectFrom('registry_changes')
        .select('position')
        .where('at_ms', '<=', atMs)
        .orderBy('position', 'desc')
        .limit(1)
        .executeTakeFirst()
      return row?.position ?? -1
    },
    findLife: async (name, at) =>
      lifeOf(await names().where('name', '=', name).where(there(at)).executeTakeFirst()),
    livesNamed: async (name) => {
      const rows = await names().where('name', '=', name).orderBy('since', 'desc').execute()
      return [...new Map(rows.map((row) => [row.life, toLife(row)])).values()]
    },
    nameAt: async (life, at) =>
      lifeOf(await names().where('life', '=', life).where(there(at)).executeTakeFirst()),
    livesAt: async ({ at, after, search, limit }) => {
      let query = names().where(there(at)).where('name', '>', after)
      if (search !== '')
        query = query.where(
          sql<boolean>`replace(lower(name), ${search.toLowerCase()}, '') <> lower(name)`,
        )
      const rows = await query
        .orderBy('name')
        .limit(limit + 1)
        .execute()
      return rows.map(toLife)
    },
    slotsAt: async (lives, at) => {
      const found: KeptChange[] = []
      for (const chunk of chunksOf(lives, 500)) found.push(...(await newestOfSlots(db, chunk, at)))
      return found
    },
    changes: (page) => changes(db, page),
  }
}

export function historyWrites(db: Db): HistoryWrites {
  return {
    beginName: async ({ life, name, position, createdMs }) => {
      await db
        .insertInto('registry_names')
        .values({ life, name, since: position, until: null, created_ms: createdMs })
        .execute()
    },
    endName: async (life, position) => {
      await db
        .updateTable('registry_names')
        .set({ until: position })
        .where('life', '=', life)
        .where('until', 'is', null)
        .execute()
    },
    appendChanges: async (given) => {
      for (const chunk of chunksOf(given))
        await db.insertInto('registry_changes').values(chunk.map(rowOf)).execute()
    },
  }
}

/** Positions count up, so what has begun by one and not ended by it was there right after it. */
function there(at: number) {
  return sql<boolean>`since <= ${at} and (until is null or until > ${at})`
}

async function newestOfSlots(db: Db, lives: readonly number[], at: number): Promise<KeptChange[]> {
  const rows = await db
    .selectFrom('registry_changes as change')
    .innerJoin(
      (e) =>
        e
          .selectFrom('registry_changes')
          .select(['life', 'kind', 'version', 'key'])
          .select((s) => s.fn.max('position').as('last'))
          .where('life', 'in', [...lives])
          .where('position', '<=', at)
          .groupBy(['life', 'kind', 'version', 'key'])
          .as('slot'),
      (join) =>
        join
          .onRef('slot.life', '=', 'change.life')
          .onRef('slot.kind', '=', 'change.kind')
          .onRef('slot.version', '=', 'change.version')
          .onRef('slot.key', '=', 'change.key')
          .onRef('slot.last', '=', 'change.position'),
    )
    .selectAll('change')
    .execute()
  return rows.map(changeOf)
}

async function changes(
  db: Db,
  { life, before, kinds, limit }: Parameters<HistoryReads['changes']>[0],
): Promise<KeptChange[]> {
  let query = db.selectFrom('registry_changes').where('life', '=', life)
  if (before !== undefined) query = query.where('position', '<', before)
  if (kinds !== undefined) query = query.where('kind', 'in', [...kinds])
  const entries = query
    .select('position')
    .distinct()
    .orderBy('position', 'desc')
    .limit(limit + 1)
  const rows = await query
    .selectAll()
    .where('position', 'in', entries)
    .orderBy('position', 'desc')
    .orderBy('ordinal')
    .execute()
  return rows.map(changeOf)
}

function changeOf(row: Selectable<HistoryTables['registry_changes']>): KeptChange {
  return {
    position: row.position,
    ordinal: row.ordinal,
    life: row.life,
    kind: row.kind,
    version: row.version === 0 ? null : row.version,
    key: row.key,
    before: row.before,
    after: row.after,
    atMs: row.at_ms,
    actor: { kind: row.actor_kind, id: row.actor_id },
    reason: row.reason,
  }
}

export function rowOf(change: KeptChange): HistoryTables['registry_changes'] {
  return {
    position: change.position,
    ordinal: change.ordinal,
    life: change.life,
    kind: change.kind,
    version: change.version ?? 0,
    key: change.key,
    before: change.before,
    after: change.after,
    at_ms: change.atMs,
    actor_kind: change.actor.kind,
    actor_id: change.actor.id,
    reason: change.reason,
  }
}

type NameRow = Pick<HistoryTables['registry_names'], 'life' | 'name' | 'created_ms'>

function toLife({ life, name, created_ms }: NameRow): Life {
  return { life, name, createdMs: created_ms }
}

function lifeOf(row: NameRow | undefined): Life | undefined {
  return row === undefined ? undefined : toLife(row)
}
