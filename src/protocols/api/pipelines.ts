import type { FastifyInstance } from 'fastify'
import { Type, type Static } from 'typebox'
import { Problem } from '#base/problem'
import type { Recordings, RunOrder } from '#pipelines'
import {
  askedDetail,
  recordedDetail,
  type ShownPipelineCheck,
  type ShownPipelineDetail,
  type ShownPipelineGraph,
  type ShownPipelineStage,
} from './pipelines-wire.ts'
import { pipelinesPage, requestOf, unlessUnknown } from './pipelines-list.ts'
import { noStage, OrderBody, type RunRequestParts } from './run-requests.ts'

const ListQuery = Type.Object({
  limit: Type.Integer({ minimum: 1, maximum: 200, default: 50 }),
  before: Type.Optional(Type.String({ maxLength: 300, description: '`next` of the page before' })),
  project: Type.Optional(Type.String({ maxLength: 200 })),
  state: Type.Optional(
    Type.Enum(['queued', 'running', 'waiting', 'succeeded', 'failed', 'cancelled']),
  ),
  by: Type.Optional(
    Type.Enum(['people', 'policies', 'machines'], {
      description:
        'Asked for by people or set in motion by policies; or told of by other machines, as `orrery repro` there does.',
    }),
  ),
})
const TestsQuery = Type.Object({
  limit: Type.Integer({ minimum: 1, maximum: 1000, default: 200 }),
  after: Type.Integer({ minimum: 0, default: 0, description: '`next` of the page before' }),
})
const Id = Type.Object({ id: Type.String() })
const IdAndStage = Type.Object({ id: Type.String(), stage: Type.String() })

export interface PipelinesParts {
  readonly recordings: Pick<Recordings, 'get' | 'list' | 'tests'>
  readonly requests: RunRequestParts['requests']
  readonly pipelineLooks: PipelineLooks
}

/** Pipelines as commits of projects have them, without a checkout. */
export interface PipelineLooks {
  /** Stages of a commit with what they need; those that make what the targets need, where there are some. Throws where the commit is out of reach. */
  at(place: {
    project: string
    commit: string
    targets: readonly string[]
  }): Promise<ShownPipelineGraph>
  /** What would come of an order. */
  check(order: RunOrder): Promise<ShownPipelineCheck>
}

/** Runs of pipelines, whoever ran them: those asked of this server, and those that others told of. */
export function pipelinesRoutes(app: FastifyInstance, parts: PipelinesParts): void {
  app.get<{ Querystring: Static<typeof ListQuery> }>(
    '/pipelines/runs',
    {
      schema: {
        summary: 'List all runs of pipelines, asked for here or told of by others, newest first',
        querystring: ListQuery,
      },
    },
    ({ query }) => pipelinesPage(parts, query),
  )
  app.get<{ Params: { id: string } }>(
    '/pipelines/runs/:id',
    { schema: { summary: 'Show a run of a pipeline with its stages', params: Id } },
    ({ params }) => detailOf(parts, params.id),
  )
  app.get<{ Params: { id: string } }>(
    '/pipelines/runs/:id/graph',
    { schema: { summary: 'Show which stage of a run needs which', params: Id } },
    ({ params }) => graphOf(parts, params.id),
  )
  app.get<{ Params: { id: string; stage: string } }>(
    '/pipelines/runs/:id/stages/:stage',
    { schema: { summary: 'Show a stage of a run with what it read and made', params: IdAndStage } },
    ({ params }) => stageOf(parts, params),
  )
  app.get<{ Params: { id: string; stage: string }; Querystring: Static<typeof TestsQuery> }>(
    '/pipelines/runs/:id/stages/:stage/tests',
    {
      schema: {
        summary: 'List the tests that a stage ran, those that failed first',
        params: IdAndStage,
        querystring: TestsQuery,
      },
    },
    async ({ params, query }) => {
      const { pipelineRun, tests: counts } = await stageOf(parts, params)
      const all =
        pipelineRun === null ? [] : await parts.recordings.tests(pipelineRun, params.stage)
      const next = query.after + query.limit
      const sorted = all.toSorted((one, other) => RANK[one.outcome] - RANK[other.outcome])
      return {
        counts,
        tests: sorted.slice(query.after, next),
        next: next < sorted.length ? next : null,
      }
    },
  )
  app.post<{ Body: Static<typeof OrderBody> }>(
    '/pipelines/check',
    {
      schema: {
        summary: 'Say what a run would do, and why it would be refused; nothing runs',
        body: OrderBody,
      },
    },
    ({ body: { lane, ...order } }) =>
      parts.pipelineLooks.check(
        lane === undefined
          ? order
          : { ...order, lane: lane === null ? null : { name: lane, limit: 1 } },
      ),
  )
}

const RANK = { failed: 0, error: 1, passed: 2, skipped: 3 } as const

/** A turn of a run that was asked for is shown as that run. */
async function detailOf(
  { recordings, requests }: PipelinesParts,
  id: string,
): Promise<ShownPipelineDetail> {
  const owner = requestOf(id)
  const request =
    (await requests.get(id).catch(unlessUnknown)) ??
    (owner === undefined ? undefined : await requests.get(owner).catch(unlessUnknown))
  if (request === undefined) return recordedDetail(await recordings.get(id))
  const turns = await Promise.all(
    request.pipelineRuns.map((turn) => recordings.get(turn).catch(unlessUnknown)),
  )
  return askedDetail(
    request,
    turns.filter((turn) => turn !== undefined),
  )
}

async function stageOf(
  parts: PipelinesParts,
  { id, stage }: { id: string; stage: string },
): Promise<ShownPipelineStage> {
  const { stages } = await detailOf(parts, id)
  const found = stages.find((each) => each.stage === stage)
  if (found === undefined)
    throw noStage(
      { id, stage },
      stages.map((each) => each.stage),
    )
  const turn =
    found.pipelineRun === null ? undefined : await parts.recordings.get(found.pipelineRun)
  const kept = turn?.stageRuns.find((each) => each.stage === stage)
  const { deps = [], outs = [], environment = null } = kept ?? {}
  return { ...found, deps, outs, environment }
}

async function graphOf(parts: PipelinesParts, id: string): Promise<ShownPipelineGraph> {
  const { project, commit, targets, stages, request } = await detailOf(parts, id)
  const names = new Set(stages.map(({ stage }) => stage))
  const declared =
    commit === null
      ? undefined
      : await parts.pipelineLooks.at({ project, commit, targets }).catch(unlessProblem)
  if (declared !== undefined && (names.size === 0 || declared.stages.length > 0)) {
    const known = declared.stages.filter(({ stage }) => names.size === 0 || names.has(stage))
    const shown = new Set(known.map(({ stage }) => stage))
    const others = [...names].filter((name) => !shown.has(name)).map((name) => bare(name, []))
    return { ...declared, stages: [...known, ...others] }
  }
  const turns = await Promise.all(
    (request?.pipelineRuns ?? [id]).map((turn) => parts.recordings.get(turn).catch(unlessUnknown)),
  )
  const runs = turns.flatMap((turn) => turn?.stageRuns ?? [])
  const makers = runs.flatMap(({ stage, outs }) => outs.map(({ path }) => ({ stage, path })))
  const needsOf = (stage: string) => {
    const read = runs.flatMap((each) => (each.stage === stage ? each.deps : []))
    const needs = makers.filter(
      (maker) => maker.stage !== stage && read.some(({ path }) => meet(path, maker.path)),
    )
    return [...new Set(needs.map((each) => each.stage))]
  }
  const nodes = [...names].map((name) => bare(name, needsOf(name)))
  return { from: 'record', stages: nodes, problems: [] }
}

function bare(stage: string, needs: readonly string[]): ShownPipelineGraph['stages'][number] {
  return { stage, needs, command: null, description: null, approval: false, parts: false }
}

function meet(one: string, other: string): boolean {
  return one === other || one.startsWith(`${other}/`) || other.startsWith(`${one}/`)
}

/** What is out of reach, or cannot be read, is shown by what is on record. */
function unlessProblem(error: unknown): undefined {
  if (error instanceof Problem) return undefined
  throw error
}
