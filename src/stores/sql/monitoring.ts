import type { Kysely } from 'kysely'
import {
  keptWindow,
  type Alert,
  type KeptEstimator,
  type KnownWindow,
  type MonitoringReads,
  type MonitoringWrites,
  type Reference,
} from '#monitoring'

export interface MonitoringTables {
  windows: { endpoint: string; start_ms: number; body: string; known: string | null }
  window_progress: {
    endpoint: string
    closed_ms: number | null
    settled_ms: number | null
  }
  alerts: {
    id: string
    endpoint: string
    kind: string
    subject: string
    severity: string
    raised_ms: number
    cleared_ms: number | null
    body: string
  }
  reference_profiles: { key: string; body: string }
}

export function monitoringReads(db: Kysely<MonitoringTables>): MonitoringReads {
  return {
    findWindow: async (endpoint, startMs) => {
      const row = await db
        .selectFrom('windows')
        .select('body')
        .where('endpoint', '=', endpoint)
        .where('start_ms', '=', startMs)
        .executeTakeFirst()
      return row === undefined ? undefined : keptWindow(row.body)
    },
    windows: async (endpoint, { limit, beforeMs }) => {
      let query = db
        .selectFrom('windows')
        .select('body')
        .where('endpoint', '=', endpoint)
        .orderBy('start_ms', 'desc')
        .limit(limit)
      if (beforeMs !== undefined) query = query.where('start_ms', '<', beforeMs)
      return (await query.execute()).map(({ body }) => keptWindow(body))
    },
    knownWindows: async (endpoint, { fromMs, toMs }) => {
      const rows = await db
        .selectFrom('windows')
        .select(['start_ms', 'known'])
        .where('endpoint', '=', endpoint)
        .where('start_ms', '>=', fromMs)
        .where('start_ms', '<', toMs)
        .orderBy('start_ms')
        .execute()
      return rows.map(knownWindow)
    },
    lastKnown: async (endpoint, limit) => {
      const rows = await db
        .selectFrom('windows')
        .select(['start_ms', 'known'])
        .where('endpoint', '=', endpoint)
        .orderBy('start_ms', 'desc')
        .limit(limit)
        .execute()
      return rows.map(knownWindow)
    },
    progress: async (endpoint) => {
      const row = await db
        .selectFrom('window_progress')
        .select(['closed_ms', 'settled_ms'])
        .where('endpoint', '=', endpoint)
        .executeTakeFirst()
      return { closedMs: row?.closed_ms ?? null, settledMs: row?.settled_ms ?? null }
    },
    ...alertReads(db),
    findReference: async (key) => {
      const row = await db
        .selectFrom('reference_profiles')
        .select('body')
        .where('key', '=', key)
        .executeTakeFirst()
      return row === undefined ? undefined : (JSON.parse(row.body) as Reference)
    },
    findEstimator: async (key) => {
      const row = await db
        .selectFrom('reference_profiles')
        .select('body')
        .where('key', '=', key)
        .executeTakeFirst()
      return row === undefined ? undefined : (JSON.parse(row.body) as KeptEstimator)
    },
  }
}

function alertReads(
  db: Kysely<MonitoringTables>,
): Pick<MonitoringReads, 'findAlert' | 'openAlerts' | 'alerts'> {
  return {
    findAlert: async (id) => {
      const row = await db
        .selectFrom('alerts')
        .select('body')
        .where('id', '=', id)
        .executeTakeFirst()
      return row === undefined ? undefined : (JSON.parse(row.body) as Alert)
    },
    openAlerts: async (endpoint, kind) => {
      const rows = await db
        .selectFrom('alerts')
        .select('body')
        .where('endpoint', '=', endpoint)
        .where('kind', '=', kind)
        .where('cleared_ms', 'is', null)
        .orderBy('raised_ms')
        .orderBy('id')
        .execute()
      return rows.map(({ body }) => JSON.parse(body) as Alert)
    },
    alerts: async ({ endpoint, open, limit, before }) => {
      let query = db
        .selectFrom('alerts')
        .select('body')
        .orderBy('raised_ms', 'desc')
        .orderBy('id', 'desc')
        .limit(limit)
      if (endpoint !== undefined) query = query.where('endpoint', '=', endpoint)
      if (open !== undefined) query = query.where('cleared_ms', open ? 'is' : 'is not', null)
      if (before !== undefined)
        query = query.where((e) =>
          e(
            e.refTuple('raised_ms', 'id'),
            '<',
            e
              .selectFrom('alerts as mark')
              .select(['mark.raised_ms', 'mark.id'])
              .where('mark.id', '=', before)
              .$asTuple('raised_ms', 'id'),
          ),
        )
      return (await query.execute()).map((row) => JSON.parse(row.body) as Alert)
    },
  }
}

function knownWindow({
  start_ms: startMs,
  known,
}: Pick<MonitoringTables['windows'], 'start_ms' | 'known'>): KnownWindow {
  return known === null
    ? { startMs, endMs: startMs, counted: null }
    : (JSON.parse(known) as KnownWindow)
}

export function monitoringWrites(db: Kysely<MonitoringTables>): MonitoringWrites {
  return {
    ...monitoringReads(db),
    saveWindow: async (window) => {
      const { endpoint, startMs, endMs, counted = null } = window
      const known = JSON.stringify({ startMs, endMs, counted } satisfies KnownWindow)
      const row = { body: JSON.stringify(window), known }
      await db
        .insertInto('windows')
        .values({ endpoint, start_ms: startMs, ...row })
        .onConflict((conflict) => conflict.columns(['endpoint', 'start_ms']).doUpdateSet(row))
        .execute()
    },
    saveProgress: async (endpoint, { closedMs, settledMs }) => {
      const row = { closed_ms: closedMs, settled_ms: settledMs }
      await db
        .insertInto('window_progress')
        .values({ endpoint, ...row })
        .onConflict((conflict) => conflict.column('endpoint').doUpdateSet(row))
        .execute()
    },
    saveAlert: async (alert) => {
      const row = {
        severity: alert.severity,
        cleared_ms: alert.clearedMs,
        body: JSON.stringify(alert),
      }
      await db
        .insertInto('alerts')
        .values({
          id: alert.id,
          endpoint: alert.endpoint,
          kind: alert.kind,
          subject: alert.subject,
          raised_ms: alert.raisedMs,
          ...row,
        })
        .onConflict((conflict) => conflict.column('id').doUpdateSet(row))
        .execute()
    },
    saveReference: (key, reference) => saveLearnt(db, key, JSON.stringify(reference)),
    saveEstimator: (key, estimator) => saveLearnt(db, key, JSON.stringify(estimator)),
  }
}

/** What windows are compared with: how a version's training data look, and what was learnt of its answers. */
async function saveLearnt(db: Kysely<MonitoringTables>, key: string, body: string): Promise<void> {
  await db
    .insertInto('reference_profiles')
    .values({ key, body })
    .onConflict((conflict) => conflict.column('key').doUpdateSet({ body }))
    .execute()
}
