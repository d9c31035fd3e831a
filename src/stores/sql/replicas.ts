import type { Kysely } from 'kysely'
import type { ReplicaReads, ReplicaWrites } from '#replicas'

interface ReplicaTables {
  replicas: { id: string; home: string; url: string; version: string; started_ms: number }
  lead: { number: number; home: string; replica: string; since_ms: number }
  shared_keys: { name: string; fingerprint: string }
}

const ONE = 1

export function replicaReads(database: Kysely<unknown>): ReplicaReads {
  const db = database as Kysely<ReplicaTables>
  return {
    list: async () =>
      (await db.selectFrom('replicas').selectAll().orderBy('id').execute()).map((row) => ({
        id: row.id,
        home: row.home,
        url: row.url,
        version: row.version,
        startedMs: row.started_ms,
      })),
    lead: async () => {
      const row = await db.selectFrom('lead').selectAll().executeTakeFirst()
      return row && { home: row.home, replica: row.replica, sinceMs: row.since_ms }
    },
    pinnedKeys: async () => {
      const rows = await db.selectFrom('shared_keys').selectAll().execute()
      return new Map(rows.map(({ name, fingerprint }) => [name, fingerprint]))
    },
  }
}

export function replicaWrites(database: Kysely<unknown>): ReplicaWrites {
  const db = database as Kysely<ReplicaTables>
  return {
    ...replicaReads(database),
    add: async ({ id, home, url, version, startedMs }) => {
      await db
        .insertInto('replicas')
        .values({ id, home, url, version, started_ms: startedMs })
        .execute()
    },
    remove: async (ids) => {
      if (ids.length > 0) await db.deleteFrom('replicas').where('id', 'in', ids).execute()
    },
    saveLead: async ({ home, replica, sinceMs }) => {
      const row = { home, replica, since_ms: sinceMs }
      await db
        .insertInto('lead')
        .values({ number: ONE, ...row })
        .onConflict((conflict) => conflict.column('number').doUpdateSet(row))
        .execute()
    },
    pinKey: async (name, fingerprint) => {
      await db
        .insertInto('shared_keys')
        .values({ name, fingerprint })
        .onConflict((conflict) => conflict.column('name').doNothing())
        .execute()
      const { fingerprint: kept } = await db
        .selectFrom('shared_keys')
        .select('fingerprint')
        .where('name', '=', name)
        .executeTakeFirstOrThrow()
      return kept
    },
  }
}
