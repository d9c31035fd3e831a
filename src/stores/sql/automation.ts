import type { Kysely } from 'kysely'
import type { AutomationReads, AutomationWrites, PolicyRun } from '#automation'

type PolicyRunReads = Pick<
  AutomationReads,
  'find' | 'list' | 'newest' | 'makerOf' | 'open' | 'countSince'
>
type PolicyRunWrites = PolicyRunReads & Pick<AutomationWrites, 'save'>

export interface AutomationTables {
  policy_runs: {
    id: string
    project: string
    policy: string
    endpoint: string
    cause: number
    state: string
    event_ms: number
    kind: string
    started_ms: number
    model_version: string | null
    body: string
  }
}

export function policyRunReads(db: Kysely<AutomationTables>): PolicyRunReads {
  const rows = () => db.selectFrom('policy_runs').select('body')
  return {
    find: async (id) => {
      const row = await rows().where('id', '=', id).executeTakeFirst()
      return row === undefined ? undefined : runOf(row)
    },
    list: async ({ limit, before, project, policy, state }) => {
      let query = rows().orderBy('cause', 'desc').orderBy('id', 'desc').limit(limit)
      if (project !== undefined) query = query.where('project', '=', project)
      if (policy !== undefined) query = query.where('policy', '=', policy)
      if (state !== undefined) query = query.where('state', '=', state)
      if (before !== undefined)
        query = query.where((e) =>
          e(
            e.refTuple('cause', 'id'),
            '<',
            e
              .selectFrom('policy_runs as mark')
              .select(['mark.cause', 'mark.id'])
              .where('mark.id', '=', before)
              .$asTuple('cause', 'id'),
          ),
        )
      return (await query.execute()).map(runOf)
    },
    newest: async (project, policy, kinds) => {
      let query = rows().where('project', '=', project).where('policy', '=', policy)
      if (kinds !== undefined) query = query.where('kind', 'in', kinds)
      const row = await query.orderBy('cause', 'desc').limit(1).executeTakeFirst()
      return row === undefined ? undefined : runOf(row)
    },
    makerOf: async (modelVersion) => {
      const row = await rows()
        .where('model_version', '=', modelVersion)
        .where('state', '=', 'succeeded')
        .orderBy('cause', 'desc')
        .limit(1)
        .executeTakeFirst()
      return row === undefined ? undefined : runOf(row)
    },
    open: async () =>
      (
        await rows()
          .where('state', 'in', ['running', 'queued'])
          .orderBy('cause')
          .orderBy('id')
          .execute()
      ).map(runOf),
    countSince: async (project, policy, sinceMs) => {
      const { count } = await db
        .selectFrom('policy_runs')
        .select((e) => e.fn.countAll().as('count'))
        .where('project', '=', project)
        .where('policy', '=', policy)
        .where('started_ms', '>=', sinceMs)
        .executeTakeFirstOrThrow()
      return Number(count)
    },
  }
}

export function policyRunWrites(db: Kysely<AutomationTables>): PolicyRunWrites {
  return {
    ...policyRunReads(db),
    save: async (run) => {
      const row = {
        project: run.project,
        policy: run.policy,
        endpoint: run.endpoint ?? '',
        cause: run.cause,
        state: run.state,
        event_ms: run.eventMs,
        kind: run.kind,
        started_ms: run.startedMs,
        model_version: run.modelVersion,
        body: JSON.stringify(run),
      }
      await db
        .insertInto('policy_runs')
        .values({ id: run.id, ...row })
        .onConflict((conflict) => conflict.column('id').doUpdateSet(row))
        .execute()
    },
  }
}

/** What runs were begun with before policies could be set off by anything but findings. */
const BEFORE = {
  kind: 'drift',
  why: '',
  limit: 1,
  depth: 0,
  order: { rev: null, set: [], variables: {} },
  refs: [],
  helped: null,
} as const

function runOf(row: { body: string }): PolicyRun {
  const run = JSON.parse(row.body) as Omit<PolicyRun, 'group'> & { group?: string }
  return { ...BEFORE, ...run, group: run.group ?? `${run.project}/${run.policy}` }
}
