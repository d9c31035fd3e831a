import type { FastifyReply } from 'fastify'
import { Problem } from '#base/problem'
import {
  parseTraceFilter,
  parseTraceOrder,
  SPANS_ARE_HERE,
  SPANS_FILE,
  SPANS_LOCATION_TAG,
  valueOf,
  type WholeTrace,
} from '#traces'
import type { MlflowApp } from '../app.ts'
import { pageIn, tokenOf } from '../paging.ts'
import { unlessEmpty } from '../translate.ts'
import { assessmentIn } from './assessment-wire.ts'
import type { TraceParts } from './parts.ts'
import * as messages from './messages.ts'
import { spanToWire } from './span-wire.ts'
import { traceIn, traceToWire } from './translate.ts'

export const PAGE = { byDefault: 100, most: 500 }
const PATH = '/mlflow/traces'

/** Telling of traces and reading them, as clients of MLflow 3 do. */
export function traceReadRoutes(app: MlflowApp, { traces }: TraceParts): void {
  app.post(PATH, { schema: { body: messages.StartTrace } }, async ({ body }) => {
    const { trace_info: info } = body.trace
    const trace = await traces.start(traceIn(info), (info.assessments ?? []).map(assessmentIn))
    return { trace: { trace_info: traceToWire(trace) } }
  })
  app.get<{ Params: { id: string } }>(`${PATH}/:id`, async ({ params }) => ({
    trace: { trace_info: traceToWire(await traces.get(params.id)) },
  }))
  app.get(`${PATH}/get`, { schema: { querystring: messages.GetTrace } }, async ({ query }) => {
    const part = query.allow_partial === true ? 'is-enough' : 'never'
    return { trace: wholeToWire(await traces.whole(query.trace_id, { part })) }
  })
  app.get(`${PATH}/batchGet`, { schema: { querystring: messages.TraceIds } }, async ({ query }) => {
    const wholes = await traces.wholes(query.trace_ids, query.experiment_ids)
    return unlessEmpty({ traces: wholes.map(wholeToWire) })
  })
  app.post(`${PATH}/batchGetInfos`, { schema: { body: messages.TraceIds } }, async ({ body }) => {
    const found = await traces.many(body.trace_ids, body.experiment_ids)
    return unlessEmpty({ trace_infos: found.map(traceToWire) })
  })
  app.post(`${PATH}/search`, { schema: { body: messages.SearchTraces } }, async ({ body }) => {
    const { traces: found, next } = await traces.search({
      ...pageIn(body, PAGE),
      experimentIds: experimentsIn(
        body.locations.flatMap((each) => each.mlflow_experiment?.experiment_id ?? []),
      ),
      conditions: parseTraceFilter(body.filter),
      order: parseTraceOrder(body.order_by),
    })
    return { ...unlessEmpty({ traces: found.map(traceToWire) }), ...tokenOf(next) }
  })
}

/** Changing traces: clients ask for it below both versions. */
export function traceWriteRoutes(app: MlflowApp, { traces, actor }: TraceParts): void {
  app.post(
    `${PATH}/delete-traces`,
    { schema: { body: messages.DeleteTraces } },
    async ({ body }) => ({
      traces_deleted: await traces.delete(actor, body.experiment_id, {
        traceIds: body.request_ids ?? [],
        ...(body.max_timestamp_millis === undefined ? {} : { untilMs: body.max_timestamp_millis }),
        ...(body.max_traces === undefined ? {} : { most: body.max_traces }),
      }),
    }),
  )
  app.patch<{ Params: { id: string } }>(
    `${PATH}/:id/tags`,
    { schema: { body: messages.SetTraceTag } },
    async ({ params, body }) => {
      const { key, value = '' } = body as { key: string; value?: string }
      await traces.setTag(params.id, { key, value })
      return {}
    },
  )
  app.delete<{ Params: { id: string } }>(
    `${PATH}/:id/tags`,
    { schema: { body: messages.DeleteTraceTag } },
    async ({ params, body }) => {
      await traces.deleteTag(params.id, (body as { key: string }).key)
      return {}
    },
  )
  app.post(`${PATH}/link-to-run`, { schema: { body: messages.LinkToRun } }, async ({ body }) => {
    if (body.trace_ids.length > 0) await traces.linkToRun(body.run_id, body.trace_ids)
    return {}
  })
  app.post(`${PATH}/link-prompts`, { schema: { body: messages.LinkPrompts } }, async ({ body }) => {
    const prompts = body.prompt_versions.map(({ name, version }) => {
      if (/^\d+$/.test(String(version))) return { name, version: String(version) }
      throw new Problem(
        'invalid',
        `Invalid value ${JSON.stringify(version)} for parameter 'prompt_versions.version' supplied: it is a whole number`,
      )
    })
    if (prompts.length > 0) await traces.linkPrompts(body.trace_id, prompts)
    return {}
  })
  app.get(
    '/mlflow/get-trace-artifact',
    { schema: { querystring: messages.TraceFile } },
    async ({ query }, reply) => sendTraceFile(reply, traces, query.request_id, query.path),
  )
}

/** The spans as the file that clients of older servers upload, or an attachment of them. */
async function sendTraceFile(
  reply: FastifyReply,
  traces: TraceParts['traces'],
  traceId: string,
  path: string | undefined,
): Promise<FastifyReply> {
  if (path !== undefined && path !== '') {
    if (!/^[\w.-]+$/.test(path) || path.startsWith('.'))
      throw new Problem(
        'invalid',
        `Invalid path: ${JSON.stringify(path)} is no name of an attachment`,
      )
    return send(reply, path, (await traces.openFile(traceId, path)).bytes)
  }
  const trace = await traces.get(traceId)
  if (valueOf(trace.tags, SPANS_LOCATION_TAG) !== SPANS_ARE_HERE)
    return send(reply, SPANS_FILE, (await traces.openFile(traceId)).bytes)
  const { spans } = await traces.whole(traceId, { part: 'is-enough' })
  return send(reply, SPANS_FILE, `{"spans":[${spans.join(',')}]}`)
}

function send(reply: FastifyReply, name: string, content: unknown): FastifyReply {
  return reply
    .type('application/octet-stream')
    .header('content-disposition', `attachment; filename=${name}`)
    .header('x-content-type-options', 'nosniff')
    .send(typeof content === 'string' ? Buffer.from(content) : content)
}

function wholeToWire({ trace, spans }: WholeTrace) {
  return { trace_info: traceToWire(trace), ...unlessEmpty({ spans: spans.map(spanToWire) }) }
}

/** Experiments by their numbers. Throws `invalid` for what is no number. */
export function experimentsIn(ids: readonly string[]): string[] {
  const wrong = ids.find((id) => !/^\d{1,15}$/.test(id))
  if (wrong !== undefined)
    throw new Problem(
      'invalid',
      `${JSON.stringify(wrong.slice(0, 100))} is no experiment id; it is a whole number`,
    )
  return ids.map((id) => String(Number(id)))
}
