import { parseRunFilter, parseRunOrder } from '#tracking'
import type { MlflowApp, MlflowParts } from './app.ts'
import * as messages from './messages.ts'
import { pageIn, tokenOf } from './paging.ts'
import {
  lifecyclesIn,
  pairsIn,
  runIdIn,
  runInfoToWire,
  runStatusIn,
  runToWire,
  unlessEmpty,
} from './translate.ts'

const PAGE = { byDefault: 1000, most: 50_000 }

/** Runs from start to end, and the search for them. */
export function runRoutes(app: MlflowApp, { tracking, actor }: MlflowParts): void {
  app.post('/mlflow/runs/create', { schema: { body: messages.CreateRun } }, async ({ body }) => {
    const run = await tracking.startRun(actor, {
      ...(body.experiment_id ? { experimentId: body.experiment_id } : {}),
      ...(body.start_time === undefined ? {} : { startMs: body.start_time }),
      name: body.run_name ?? '',
      userId: body.user_id ?? '',
      tags: pairsIn(body.tags),
    })
    const { outputs: _, ...wire } = runToWire(run)
    return { run: wire }
  })
  app.get('/mlflow/runs/get', { schema: { querystring: messages.RunId } }, async ({ query }) => ({
    run: runToWire(await tracking.getRun(runIdIn(query))),
  }))
  app.post('/mlflow/runs/update', { schema: { body: messages.UpdateRun } }, async ({ body }) => {
    const run = await tracking.updateRun(actor, runIdIn(body), {
      ...(body.status === undefined ? {} : { status: runStatusIn(body.status) }),
      ...(body.end_time === undefined ? {} : { endMs: body.end_time }),
      ...(body.run_name === undefined ? {} : { name: body.run_name }),
    })
    return { run_info: runInfoToWire(run) }
  })
  app.post('/mlflow/runs/delete', { schema: { body: messages.RunId } }, async ({ body }) => {
    await tracking.deleteRun(actor, runIdIn(body))
    return {}
  })
  app.post('/mlflow/runs/restore', { schema: { body: messages.RunId } }, async ({ body }) => {
    await tracking.restoreRun(actor, runIdIn(body))
    return {}
  })
  app.post('/mlflow/runs/search', { schema: { body: messages.SearchRuns } }, async ({ body }) => {
    const { items, next } = await tracking.searchRuns({
      ...pageIn(body, PAGE),
      experimentIds: body.experiment_ids ?? [],
      lifecycles: lifecyclesIn(body.run_view_type),
      conditions: parseRunFilter(body.filter),
      order: parseRunOrder(body.order_by),
    })
    return { ...unlessEmpty({ runs: items.map(runToWire) }), ...tokenOf(next) }
  })
}
