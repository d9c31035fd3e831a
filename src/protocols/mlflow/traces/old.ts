import type { Static } from 'typebox'
import { parseTraceFilter, parseTraceOrder } from '#traces'
import type { MlflowApp } from '../app.ts'
import { pageIn, tokenOf } from '../paging.ts'
import { pairsIn, unlessEmpty } from '../translate.ts'
import type { TraceParts } from './parts.ts'
import * as messages from './messages.ts'
import { experimentsIn, PAGE } from './traces.ts'
import { oldTraceToWire, stateIn } from './translate.ts'

const PATH = '/mlflow/traces'

interface OfTrace {
  Params: { id: string }
}

/** Traces as clients before MLflow 3 tell them: begun, then ended; their spans are files. */
export function oldTraceRoutes(app: MlflowApp, { traces }: TraceParts): void {
  app.post(PATH, { schema: { body: messages.BeginTrace } }, async ({ body }) => {
    const trace = await traces.begin({
      experimentId: body.experiment_id,
      atMs: body.timestamp_ms,
      durationMs: null,
      state: 'IN_PROGRESS',
      clientRequestId: null,
      requestPreview: null,
      responsePreview: null,
      tags: pairsIn(body.tags),
      metadata: pairsIn(body.request_metadata),
    })
    return { trace_info: oldTraceToWire(trace) }
  })
  app.patch<OfTrace>(
    `${PATH}/:id`,
    { schema: { body: messages.EndTrace } },
    async ({ params, body }) => {
      const end = body as Static<typeof messages.EndTrace>
      const trace = await traces.end(params.id, {
        atMs: end.timestamp_ms,
        state: stateIn(end.status),
        metadata: pairsIn(end.request_metadata),
        tags: pairsIn(end.tags),
      })
      return { trace_info: oldTraceToWire(trace) }
    },
  )
  app.get<OfTrace>(`${PATH}/:id/info`, async ({ params }) => ({
    trace_info: oldTraceToWire(await traces.get(params.id)),
  }))
  app.get(PATH, { schema: { querystring: messages.ListTraces } }, async ({ query }) => {
    const { traces: found, next } = await traces.search({
      ...pageIn(query, PAGE),
      experimentIds: experimentsIn(query.experiment_ids),
      conditions: parseTraceFilter(query.filter),
      order: parseTraceOrder(query.order_by),
    })
    return { ...unlessEmpty({ traces: found.map(oldTraceToWire) }), ...tokenOf(next) }
  })
}
