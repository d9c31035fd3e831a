import type { Kysely } from 'kysely'
import {
  homeKey,
  keyOf,
  type EventNote,
  type OutsideDataset,
  type OutsideJob,
  type OutsideReads,
  type OutsideRun,
  type OutsideWrites,
  type Use,
} from '#elsewhere'

interface NamedRow {
  id: string
  place: string
  namespace: string
  body: string
}

export interface OutsideTables {
  outside_runs: { id: string; place: string; job: string; state: string; body: string }
  outside_jobs: NamedRow
  outside_datasets: NamedRow
  outside_uses: {
    run: string
    role: Use['role']
    dataset: string
    at_ms: number
    /** Of what was written to data of ours and is in no version yet. */
    untracked_home: string | null
    body: string
  }
  outside_events: {
    digest: string
    run: string | null
    change: string
    at_ms: number
    producer: string
  }
}

export function outsideReads(db: Kysely<OutsideTables>): OutsideReads {
  return {
    run: async (id) => {
      const row = await db
        .selectFrom('outside_runs')
        .select('body')
        .where('id', '=', id)
        .executeTakeFirst()
      return bodyIn(row) as OutsideRun | undefined
    },
    runs: async ({ limit, before, state, job }) => {
      let query = db.selectFrom('outside_runs').select('body').orderBy('place', 'desc').limit(limit)
      if (before !== undefined) query = query.where('place', '<', before)
      if (state !== undefined) query = query.where('state', '=', state)
      if (job !== undefined) query = query.where('job', '=', job)
      return all<OutsideRun>(await query.execute())
    },
    job: (key) => named<OutsideJob>(db, 'outside_jobs', key),
    jobs: (page) => listed<OutsideJob>(db, 'outside_jobs', page),
    dataset: (key) => named<OutsideDataset>(db, 'outside_datasets', key),
    datasets: (page) => listed<OutsideDataset>(db, 'outside_datasets', page),
    ...useReads(db),
    ...eventReads(db),
  }
}

function useReads(
  db: Kysely<OutsideTables>,
): Pick<OutsideReads, 'usesIn' | 'usesOf' | 'untracked'> {
  const uses = () => db.selectFrom('outside_uses').select('body')
  return {
    usesIn: async (run) =>
      all<Use>(await uses().where('run', '=', run).orderBy('role').orderBy('dataset').execute()),
    usesOf: async (dataset, limit) =>
      all<Use>(
        await uses()
          .where('dataset', '=', dataset)
          .orderBy('at_ms', 'desc')
          .orderBy('run')
          .limit(limit)
          .execute(),
      ),
    untracked: async (home) =>
      all<Use>(
        await uses()
          .where('untracked_home', '=', homeKey(home))
          .orderBy('at_ms', 'desc')
          .orderBy('run')
          .execute(),
      ),
  }
}

function eventReads(db: Kysely<OutsideTables>): Pick<OutsideReads, 'hasEvent' | 'events'> {
  return {
    hasEvent: async (digest) => {
      const row = await db
        .selectFrom('outside_events')
        .select('digest')
        .where('digest', '=', digest)
        .executeTakeFirst()
      return row !== undefined
    },
    events: async (run, limit) => {
      const rows = await db
        .selectFrom('outside_events')
        .selectAll()
        .where('run', '=', run)
        .orderBy('at_ms')
        .orderBy('digest')
        .limit(limit)
        .execute()
      return rows.map(({ digest, change, at_ms: atMs, producer }) => ({
        digest,
        run,
        change: change as EventNote['change'],
        atMs,
        producer,
      }))
    },
  }
}

export function outsideWrites(db: Kysely<OutsideTables>): OutsideWrites {
  return {
    ...outsideReads(db),
    saveRun: async (run) => {
      const { id, place, state } = run
      const row = { state, body: JSON.stringify(run) }
      await db
        .insertInto('outside_runs')
        .values({ id, place, job: keyOf(run.job), ...row })
        .onConflict((conflict) => conflict.column('id').doUpdateSet(row))
        .execute()
    },
    saveJob: (job) => saveNamed(db, 'outside_jobs', job),
    saveDataset: (dataset) => saveNamed(db, 'outside_datasets', dataset),
    saveUse: async (use) => {
      const { run, role, dataset, home, isTracked, atMs } = use
      const waits = role === 'output' && home !== null && !isTracked
      const row = {
        at_ms: atMs,
        untracked_home: waits ? homeKey(home) : null,
        body: JSON.stringify(use),
      }
      await db
        .insertInto('outside_uses')
        .values({ run, role, dataset: keyOf(dataset), ...row })
        .onConflict((conflict) => conflict.columns(['run', 'role', 'dataset']).doUpdateSet(row))
        .execute()
    },
    addEvent: async ({ atMs, ...event }) => {
      await db
        .insertInto('outside_events')
        .values({ ...event, at_ms: atMs })
        .onConflict((conflict) => conflict.column('digest').doNothing())
        .execute()
    },
  }
}

type NamedTable = 'outside_jobs' | 'outside_datasets'

async function named<T>(
  db: Kysely<OutsideTables>,
  table: NamedTable,
  key: string,
): Promise<T | undefined> {
  const row = await db.selectFrom(table).select('body').where('id', '=', key).executeTakeFirst()
  return bodyIn(row) as T | undefined
}

async function listed<T>(
  db: Kysely<OutsideTables>,
  table: NamedTable,
  { limit, before, namespace }: { limit: number; before?: string; namespace?: string },
): Promise<T[]> {
  let query = db.selectFrom(table).select('body').orderBy('place', 'desc').limit(limit)
  if (before !== undefined) query = query.where('place', '<', before)
  if (namespace !== undefined) query = query.where('namespace', '=', namespace)
  return all<T>(await query.execute())
}

async function saveNamed(
  db: Kysely<OutsideTables>,
  table: NamedTable,
  thing: OutsideJob | OutsideDataset,
): Promise<void> {
  const { key: id, place, namespace } = thing
  const body = JSON.stringify(thing)
  await db
    .insertInto(table)
    .values({ id, place, namespace, body })
    .onConflict((conflict) => conflict.column('id').doUpdateSet({ body }))
    .execute()
}

function bodyIn(row: { body: string } | undefined): unknown {
  return row === undefined ? undefined : JSON.parse(row.body)
}

function all<T>(rows: readonly { body: string }[]): T[] {
  return rows.map((row) => bodyIn(row) as T)
}
