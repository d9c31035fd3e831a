import type { Kysely } from 'kysely'
import type { RequestReads, RequestWrites, RunRequest } from '#pipelines'

export interface RunRequestTables {
  run_requests: {
    id: string
    project: string
    branch: string | null
    cause: string | null
    state: string
    asked_ms: number
    body: string
  }
}

const OPEN = ['queued', 'running', 'waiting']

export function requestReads(db: Kysely<RunRequestTables>): RequestReads {
  const requests = () => db.selectFrom('run_requests').select('body')
  return {
    find: async (id) => {
      const row = await requests().where('id', '=', id).executeTakeFirst()
      return row === undefined ? undefined : requestOf(row)
    },
    list: async ({ limit, before, project, branch, state, cause }) => {
      let query = requests().orderBy('asked_ms', 'desc').orderBy('id', 'desc').limit(limit)
      if (project !== undefined) query = query.where('project', '=', project)
      if (branch !== undefined) query = query.where('branch', '=', branch)
      if (state !== undefined) query = query.where('state', '=', state)
      if (cause !== undefined) query = query.where('cause', '=', cause)
      if (before !== undefined)
        query = query.where((e) =>
          e(
            e.refTuple('asked_ms', 'id'),
            '<',
            e
              .selectFrom('run_requests as mark')
              .select(['mark.asked_ms', 'mark.id'])
              .where('mark.id', '=', before)
              .$asTuple('asked_ms', 'id'),
          ),
        )
      return (await query.execute()).map(requestOf)
    },
    open: async () =>
      (await requests().where('state', 'in', OPEN).orderBy('asked_ms').orderBy('id').execute()).map(
        requestOf,
      ),
  }
}

export function requestWrites(db: Kysely<RunRequestTables>): RequestWrites {
  return {
    ...requestReads(db),
    save: async (request) => {
      const row = {
        project: request.order.project,
        branch: request.branch,
        cause: request.order.cause ?? null,
        state: request.state,
        asked_ms: request.askedMs,
        body: JSON.stringify(request),
      }
      await db
        .insertInto('run_requests')
        .values({ id: request.id, ...row })
        .onConflict((conflict) => conflict.column('id').doUpdateSet(row))
        .execute()
    },
  }
}

function requestOf(row: { body: string }): RunRequest {
  return JSON.parse(row.body) as RunRequest
}
