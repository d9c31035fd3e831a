import type { Kysely, Selectable } from 'kysely'
import type { Clock } from '#base/clock'
import type { Ids } from '#base/ids'
import type { Json } from '#base/json'
import type { Job, WorkReads, WorkWrites } from '#work'

interface JobRow {
  id: string
  kind: string
  key: string
  payload: string
  state: Job['state']
  attempts: number
  cuts: number
  run_after_ms: number
  lease_owner: string | null
  lease_until_ms: number | null
  error: string | null
  created_ms: number
}

export interface WorkTables {
  jobs: JobRow
}

export function workReads(db: Kysely<WorkTables>): WorkReads {
  return {
    find: async (key) => {
      const row = await db.selectFrom('jobs').selectAll().where('key', '=', key).executeTakeFirst()
      return row === undefined ? undefined : jobOf(row)
    },
    open: async (kinds) => {
      let query = db
        .selectFrom('jobs')
        .selectAll()
        .where('state', 'in', ['waiting', 'running'])
        .orderBy('id')
      if (kinds !== undefined) query = query.where('kind', 'in', [...kinds])
      return (await query.execute()).map(jobOf)
    },
    owners: async () => {
      const rows = await db
        .selectFrom('jobs')
        .select('lease_owner')
        .distinct()
        .where('state', '=', 'running')
        .where('lease_owner', 'is not', null)
        .execute()
      return rows.map((row) => row.lease_owner as string)
    },
  }
}

export function workWrites(
  db: Kysely<WorkTables>,
  { clock, ids }: { clock: Clock; ids: Ids },
): WorkWrites {
  return {
    ...workReads(db),
    ...leases(db),
    enqueue: async (jobs) => {
      if (jobs.length === 0) return
      const nowMs = clock.nowMs()
      await db
        .insertInto('jobs')
        .values(
          jobs.map((job) => ({
            id: ids.ulid(),
            kind: job.kind,
            key: job.key,
            payload: JSON.stringify(job.payload),
            state: 'waiting' as const,
            attempts: 0,
            cuts: 0,
            run_after_ms: job.runAfterMs ?? nowMs,
            lease_owner: null,
            lease_until_ms: null,
            error: null,
            created_ms: nowMs,
          })),
        )
        .onConflict((conflict) => conflict.column('key').doNothing())
        .execute()
    },
    lease: async ({ kinds, owner, nowMs, untilMs }) => {
      const row = await db
        .updateTable('jobs')
        .set((e) => ({
          state: 'running' as const,
          attempts: e('attempts', '+', 1),
          lease_owner: owner,
          lease_until_ms: untilMs,
        }))
        .where('id', '=', (e) =>
          e
            .selectFrom('jobs')
            .select('id')
            .where('kind', 'in', [...kinds])
            .where('run_after_ms', '<=', nowMs)
            .where((w) =>
              w.or([
                w('state', '=', 'waiting'),
                w.and([w('state', '=', 'running'), w('lease_until_ms', '<', nowMs)]),
              ]),
            )
            .orderBy('id')
            .limit(1),
        )
        .returningAll()
        .executeTakeFirst()
      return row === undefined ? undefined : jobOf(row)
    },
  }
}

/** What becomes of a lease that was taken. */
function leases(
  db: Kysely<WorkTables>,
): Pick<
  WorkWrites,
  'extend' | 'complete' | 'retry' | 'fail' | 'release' | 'releaseOf' | 'releaseAll'
> {
  const free = { lease_owner: null, lease_until_ms: null }
  const end = async (id: string, owner: string, values: Partial<JobRow>) => {
    await db
      .updateTable('jobs')
      .set({ ...free, ...values })
      .where('id', '=', id)
      .where('lease_owner', '=', owner)
      .execute()
  }
  const cut = db
    .updateTable('jobs')
    .set((e) => ({
      ...free,
      state: 'waiting' as const,
      attempts: e('attempts', '-', 1),
      cuts: e('cuts', '+', 1),
    }))
    .where('state', '=', 'running')
  return {
    extend: async (id, owner, untilMs) => {
      const done = await db
        .updateTable('jobs')
        .set({ lease_until_ms: untilMs })
        .where('id', '=', id)
        .where('lease_owner', '=', owner)
        .executeTakeFirst()
      return done.numUpdatedRows > 0n
    },
    complete: (id, owner) => end(id, owner, { state: 'done', error: null }),
    retry: (id, owner, { error, runAfterMs }) =>
      end(id, owner, { state: 'waiting', error, run_after_ms: runAfterMs }),
    fail: (id, owner, error) => end(id, owner, { state: 'failed', error }),
    release: async (id, owner) => {
      await db
        .updateTable('jobs')
        .set((e) => ({ ...free, state: 'waiting' as const, attempts: e('attempts', '-', 1) }))
        .where('id', '=', id)
        .where('lease_owner', '=', owner)
        .execute()
    },
    releaseOf: async (owners) => {
      if (owners.length === 0) return 0
      const done = await cut.where('lease_owner', 'in', owners).executeTakeFirst()
      return Number(done.numUpdatedRows)
    },
    releaseAll: async () => Number((await cut.executeTakeFirst()).numUpdatedRows),
  }
}

function jobOf(row: Selectable<JobRow>): Job {
  return {
    id: row.id,
    kind: row.kind,
    key: row.key,
    payload: JSON.parse(row.payload) as Json,
    attempts: row.attempts,
    cuts: row.cuts,
    state: row.state,
    runAfterMs: row.run_after_ms,
    error: row.error,
    createdMs: row.created_ms,
  }
}
