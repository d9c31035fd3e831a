import type { Kysely } from 'kysely'
import type { Rollout, RolloutReads, RolloutState, RolloutWrites } from '#rollouts'

export interface RolloutTables {
  rollouts: {
    id: string
    endpoint: string
    state: RolloutState
    from_revision: number
    to_revision: number
    plan: string
    progress: string
    evidence: string
    started_ms: number
    ended_ms: number | null
    reason: string | null
  }
}

type Progress = Pick<
  Rollout,
  'step' | 'stepMs' | 'lookedMs' | 'stepSamples' | 'shares' | 'judgedMs'
>

export function rolloutReads(db: Kysely<RolloutTables>): RolloutReads {
  const rollouts = db.selectFrom('rollouts').selectAll()
  return {
    find: async (id) => {
      const row = await rollouts.where('id', '=', id).executeTakeFirst()
      return row === undefined ? undefined : rolloutOf(row)
    },
    newest: async (endpoint) => {
      const row = await rollouts
        .where('endpoint', '=', endpoint)
        .orderBy('id', 'desc')
        .limit(1)
        .executeTakeFirst()
      return row === undefined ? undefined : rolloutOf(row)
    },
    list: async (endpoint, { before, limit }) => {
      let query = rollouts.where('endpoint', '=', endpoint).orderBy('id', 'desc').limit(limit)
      if (before !== undefined) query = query.where('id', '<', before)
      return (await query.execute()).map(rolloutOf)
    },
    open: async () => {
      const open = rollouts.where('state', 'in', ['running', 'paused']).orderBy('id')
      return (await open.execute()).map(rolloutOf)
    },
  }
}

export function rolloutWrites(db: Kysely<RolloutTables>): RolloutWrites {
  return {
    ...rolloutReads(db),
    save: async (rollout) => {
      const { id, ...row } = rowOf(rollout)
      await db
        .insertInto('rollouts')
        .values({ id, ...row })
        .onConflict((conflict) => conflict.column('id').doUpdateSet(row))
        .execute()
    },
  }
}

function rowOf(rollout: Rollout): RolloutTables['rollouts'] {
  const { step, stepMs, lookedMs, stepSamples, shares, judgedMs } = rollout
  const progress: Progress = { step, stepMs, lookedMs, stepSamples, shares, judgedMs }
  return {
    id: rollout.id,
    endpoint: rollout.endpoint,
    state: rollout.state,
    from_revision: rollout.from,
    to_revision: rollout.to,
    plan: JSON.stringify(rollout.plan),
    progress: JSON.stringify(progress),
    evidence: JSON.stringify(rollout.evidence),
    started_ms: rollout.startedMs,
    ended_ms: rollout.endedMs,
    reason: rollout.reason,
  }
}

function rolloutOf(row: RolloutTables['rollouts']): Rollout {
  return {
    id: row.id,
    endpoint: row.endpoint,
    from: row.from_revision,
    to: row.to_revision,
    plan: JSON.parse(row.plan) as Rollout['plan'],
    state: row.state,
    ...(JSON.parse(row.progress) as Progress),
    evidence: JSON.parse(row.evidence) as Rollout['evidence'],
    startedMs: row.started_ms,
    endedMs: row.ended_ms,
    reason: row.reason,
  }
}
