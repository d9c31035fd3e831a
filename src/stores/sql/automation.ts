import type { Kysely } from 'kysely'
import type { PolicyRun, PolicyRunReads, PolicyRunWrites } from '#automation'

export interface AutomationTables {
  policy_runs: {
    id: string
    project: string
    policy: string
    endpoint: string
    cause: number
    state: string
    event_ms: number
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
    list: async ({ limit, before }) => {
      let query = rows().orderBy('cause', 'desc').orderBy('id', 'desc').limit(limit)
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
    newest: async (project, policy) => {
      const row = await rows()
        .where('project', '=', project)
        .where('policy', '=', policy)
        .orderBy('cause', 'desc')
        .limit(1)
        .executeTakeFirst()
      return row === undefined ? undefined : runOf(row)
    },
    running: async (endpoint) =>
      (await rows().where('state', '=', 'running').where('endpoint', '=', endpoint).execute()).map(
        runOf,
      ),
  }
}

export function policyRunWrites(db: Kysely<AutomationTables>): PolicyRunWrites {
  return {
    ...policyRunReads(db),
    save: async (run) => {
      const row = {
        project: run.project,
        policy: run.policy,
        endpoint: run.endpoint,
        cause: run.cause,
        state: run.state,
        event_ms: run.eventMs,
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

function runOf(row: { body: string }): PolicyRun {
  return JSON.parse(row.body) as PolicyRun
}
