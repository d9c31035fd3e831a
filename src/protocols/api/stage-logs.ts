import type { FastifyInstance } from 'fastify'
import { setTimeout as sleep } from 'node:timers/promises'
import { Type, type Static } from 'typebox'
import { Problem } from '#base/problem'
import { isOver, type LogPlace, type StageLogs } from '#pipelines'
import { eventStreams, waker, type EventStream } from './event-stream.ts'
import { noStage, shownRun, type RunRequestParts } from './run-requests.ts'
import type { ShownLogPiece, ShownRunDetail } from './run-requests-wire.ts'

const PIECE_BYTES = 256 * 1024
const PAGE_BYTES_MAX = 1024 * 1024
/** The whole run is looked at no more often than this, however much happens. */
const LOOK_MS = 100

const AppendBody = Type.Object(
  {
    from: Type.Integer({
      minimum: 0,
      description: 'Bytes of the log before this text; told again, it is there once.',
    }),
    text: Type.String({ maxLength: 4 * 1024 * 1024 }),
  },
  { additionalProperties: false },
)
const Id = Type.Object({ id: Type.String() })
const IdAndStage = Type.Object({ id: Type.String(), stage: Type.String() })
const LogQuery = Type.Object({
  from: Type.Integer({ minimum: 0, default: 0, description: 'The byte to begin with' }),
  limit: Type.Integer({ minimum: 1, maximum: PAGE_BYTES_MAX, default: 65_536 }),
  follow: Type.Boolean({
    default: false,
    description: 'Go on while it prints, as server-sent events: log, and end when it is over',
  }),
})
type LogRoute = { Params: { id: string; stage: string }; Querystring: Static<typeof LogQuery> }

export interface StageLogParts extends RunRequestParts {
  readonly stageLogs: StageLogs
  /** Calls back when the ledger has grown. */
  onGrowth(listener: () => void): () => void
}

/** What stages print: told while they run, read and followed then and later. */
export function stageLogRoutes(app: FastifyInstance, parts: StageLogParts): void {
  const { stageLogs, requests } = parts
  const streamTo = eventStreams(app)
  app.post<{ Params: { id: string; stage: string }; Body: Static<typeof AppendBody> }>(
    '/pipeline-runs/:id/stages/:stage/log',
    { schema: { summary: 'Tell what a stage prints', params: IdAndStage, body: AppendBody } },
    async ({ params, body }) => {
      const { known } = await stageAt(parts, { pipelineRun: params.id, stage: params.stage })
      if (!known) throw new Problem('conflict', `the stage ${params.stage} has not begun`)
      await stageLogs.append({ pipelineRun: params.id, stage: params.stage }, body.from, body.text)
      return {}
    },
  )
  const log = (
    path: string,
    summary: string,
    placeOf: (params: LogRoute['Params']) => Promise<LogPlace>,
  ) =>
    app.get<LogRoute>(
      path,
      { schema: { summary, params: IdAndStage, querystring: LogQuery } },
      async ({ params, query, headers }, reply) => {
        const place = await placeOf(params)
        const { done } = await stageAt(parts, place)
        if (query.follow) {
          const resumed = Number(headers['last-event-id'] ?? query.from)
          return followStage(parts, place, { from: resumed || 0, stream: streamTo(reply) })
        }
        const page = await stageLogs.read(place, query)
        return { ...place, ...page, complete: done && page.next >= page.size }
      },
    )
  log('/pipeline-runs/:id/stages/:stage/log', 'Read what a stage printed', async (params) => ({
    pipelineRun: params.id,
    stage: params.stage,
  }))
  log(
    '/run-requests/:id/stages/:stage/log',
    'Read what a stage of a run printed',
    async (params) => {
      const { stages } = await shownRun(parts.recordings, await requests.get(params.id))
      const found = stages.find(({ stage }) => stage === params.stage)
      if (found?.pipelineRun === undefined || found.pipelineRun === null)
        throw noLog(
          params,
          stages.map(({ stage }) => stage),
        )
      return { pipelineRun: found.pipelineRun, stage: params.stage }
    },
  )
  app.get<{ Params: { id: string } }>(
    '/run-requests/:id/events',
    {
      schema: {
        summary:
          'Follow a run live (server-sent events): run when something changed, log as stages print, end when it is over',
        params: Id,
      },
    },
    async ({ params }, reply) => {
      await requests.get(params.id)
      return followRun(parts, params.id, streamTo(reply))
    },
  )
}

function noLog({ id, stage }: { id: string; stage: string }, stages: readonly string[]): Problem {
  if (!stages.includes(stage)) return noStage({ id, stage }, stages)
  return new Problem(
    'not-found',
    `stage ${stage} of the run ${id} has not begun, so there is no log of it yet`,
  )
}

/** Whether a stage has begun, and whether it prints no more. */
async function stageAt(
  { recordings }: StageLogParts,
  { pipelineRun, stage }: LogPlace,
): Promise<{ known: boolean; done: boolean }> {
  const { state, stages, stageRuns } = await recordings.get(pipelineRun)
  if (!stages.includes(stage)) throw noLog({ id: pipelineRun, stage }, stages)
  const kept = stageRuns.find((each) => each.stage === stage)
  return {
    known: kept !== undefined,
    done: state !== 'running' || (kept !== undefined && kept.state !== 'running'),
  }
}

async function followStage(
  parts: StageLogParts,
  place: LogPlace,
  { from, stream }: { from: number; stream: EventStream },
): Promise<void> {
  const { wake, next } = waker(stream.closed)
  const undo = [parts.onGrowth(wake), parts.stageLogs.onGrowth(place, wake)]
  try {
    for (let at = from; !stream.closed.aborted; await next()) {
      const { done } = await stageAt(parts, place)
      at = await sendLog(parts.stageLogs, place, { from: at, stream })
      if (!done) continue
      await stream.send('end', { next: at })
      return
    }
  } finally {
    for (const each of undo) each()
    stream.end()
  }
}

/** Sends all that there is from byte `from` on; gives the byte after it. */
async function sendLog(
  logs: StageLogs,
  place: LogPlace,
  { from, stream }: { from: number; stream: EventStream },
): Promise<number> {
  for (let at = from; ;) {
    const page = await logs.read(place, { from: at, limit: PIECE_BYTES })
    if (page.text === '' || stream.closed.aborted) return at
    const piece: ShownLogPiece = { ...place, from: page.from, next: page.next, text: page.text }
    await stream.send('log', piece, page.next)
    at = page.next
  }
}

async function followRun(parts: StageLogParts, id: string, stream: EventStream): Promise<void> {
  const { wake, next } = waker(stream.closed)
  const undo = [parts.onGrowth(wake)]
  const sent = new Map<string, number>()
  const over = new Set<string>()
  let told = ''
  const tell = async (shown: ShownRunDetail) => {
    const words = JSON.stringify(shown)
    if (words !== told) await stream.send('run', shown)
    told = words
  }
  const sendLogs = async ({ stages }: ShownRunDetail) => {
    for (const { stage, pipelineRun, run, state } of stages) {
      const key = `${pipelineRun}\n${stage}`
      if (pipelineRun === null || run === null || over.has(key)) continue
      const place = { pipelineRun, stage }
      if (!sent.has(key)) undo.push(parts.stageLogs.onGrowth(place, wake))
      sent.set(key, await sendLog(parts.stageLogs, place, { from: sent.get(key) ?? 0, stream }))
      if (state !== 'running') over.add(key)
    }
  }
  try {
    for (; !stream.closed.aborted; await next()) {
      const request = await parts.requests.get(id)
      const shown = await shownRun(parts.recordings, request)
      // That a stage runs is told before what it prints, and what it printed before how the run ended.
      if (!isOver(request)) await tell(shown)
      await sendLogs(shown)
      if (isOver(request)) {
        await tell(shown)
        await stream.send('end', { state: request.state })
        return
      }
      await sleep(LOOK_MS)
    }
  } finally {
    for (const each of undo) each()
    stream.end()
  }
}
