import type { FastifyInstance } from 'fastify'
import { Type, type Static } from 'typebox'
import { Problem } from '#base/problem'
import {
  datasetRef,
  externalRunRef,
  facetsOf,
  RUN_STATES,
  type Elsewhere,
  type EventNote,
  type Name,
  type OutsideDataset,
  type OutsideJob,
  type OutsideRun,
  type Use,
} from '#elsewhere'
import type { Ref } from '#ledger'

const ListQuery = Type.Object({
  limit: Type.Integer({ minimum: 1, maximum: 200, default: 50 }),
  before: Type.Optional(Type.String({ description: 'What `next` of the page before said.' })),
})
const NamedQuery = Type.Object({
  ...ListQuery.properties,
  namespace: Type.Optional(Type.String()),
})
const RunsQuery = Type.Object({
  ...ListQuery.properties,
  state: Type.Optional(Type.Union(RUN_STATES.map((state) => Type.Literal(state)))),
  job: Type.Optional(Type.String({ description: 'NAMESPACE:NAME of a job.' })),
})
const NodeQuery = Type.Object({
  node: Type.String({
    description: 'run:UUID, job:NAMESPACE:NAME or dataset:NAMESPACE:NAME.',
    maxLength: 8000,
  }),
})

/** What other systems told of their runs, jobs and datasets. */
export function outsideLineageRoutes(app: FastifyInstance, elsewhere: Elsewhere): void {
  const { list } = elsewhere
  app.get<{ Querystring: Static<typeof RunsQuery> }>(
    '/lineage/runs',
    { schema: { summary: 'List runs of other systems, newest first', querystring: RunsQuery } },
    async ({ query: { job, ...page } }) => {
      const named = job === undefined ? undefined : await jobNamed(elsewhere, job)
      const runs = await list.runs({ ...page, ...(named === undefined ? {} : { job: named.key }) })
      return { runs: runs.map(runToWire), next: nextOf(runs, page.limit) }
    },
  )
  app.get<{ Querystring: Static<typeof NamedQuery> }>(
    '/lineage/jobs',
    { schema: { summary: 'List jobs of other systems, newest first', querystring: NamedQuery } },
    async ({ query }) => {
      const jobs = await list.jobs(query)
      return { jobs: jobs.map(jobToWire), next: nextOf(jobs, query.limit) }
    },
  )
  app.get<{ Querystring: Static<typeof NamedQuery> }>(
    '/lineage/datasets',
    {
      schema: { summary: 'List datasets of other systems, newest first', querystring: NamedQuery },
    },
    async ({ query }) => {
      const datasets = await list.datasets(query)
      return { datasets: datasets.map(datasetToWire), next: nextOf(datasets, query.limit) }
    },
  )
  app.get<{ Querystring: Static<typeof NodeQuery> }>(
    '/lineage/node',
    {
      schema: {
        summary: 'Show a run, job or dataset of another system with its facets',
        querystring: NodeQuery,
      },
    },
    async ({ query }) => nodeToWire(elsewhere, query.node),
  )
}

/** The thing of the ledger that a node of another system stands for; undefined for a node of ours. Throws `not-found`. */
export async function outsideRef(elsewhere: Elsewhere, node: string): Promise<Ref | undefined> {
  const { kind, id } = nodeIn(node)
  if (kind === 'run' && UUID.test(id)) return externalRunRef((await elsewhere.run(id)).run.id)
  if (kind === 'job') {
    const { lastRun, name } = await jobNamed(elsewhere, id)
    if (lastRun !== null) return externalRunRef(lastRun)
    throw new Problem(
      'not-found',
      `the job ${name} has no run yet; GET /lineage/node shows the job`,
    )
  }
  if (kind !== 'dataset') return undefined
  const { dataset, uses } = await datasetNamed(elsewhere, id)
  return uses[0]?.ref ?? datasetRef(dataset)
}

async function nodeToWire(elsewhere: Elsewhere, node: string) {
  const { kind, id } = nodeIn(node)
  if (kind === 'job') {
    const job = await jobNamed(elsewhere, id)
    const runs = await elsewhere.list.runs({ job: job.key, limit: RUNS_SHOWN })
    return { kind, job: { ...jobToWire(job), ...designOf(job) }, runs: runs.map(runToWire) }
  }
  if (kind === 'dataset') {
    const { dataset, uses } = await datasetNamed(elsewhere, id)
    const facets = facetsOf(dataset.facets)
    return { kind, dataset: { ...datasetToWire(dataset), facets }, uses: uses.map(useToWire) }
  }
  if (kind !== 'run' && kind !== 'external-run')
    throw new Problem(
      'invalid',
      `${JSON.stringify(kind.slice(0, 60))} is no kind of another system's; name run:UUID, job:NAMESPACE:NAME or dataset:NAMESPACE:NAME`,
    )
  const { run, uses, events } = await elsewhere.run(id.toLowerCase())
  return {
    kind: 'run',
    run: { ...runToWire(run), facets: facetsOf(run.facets) },
    uses: uses.map(useToWire),
    history: events.map(eventToWire),
  }
}

const RUNS_SHOWN = 20
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/** The kind of a node and the rest, in which there may be more colons. */
export function nodeIn(node: string): { kind: string; id: string } {
  const colon = node.indexOf(':')
  if (colon > 0) return { kind: node.slice(0, colon), id: node.slice(colon + 1) }
  throw new Problem(
    'invalid',
    `${JSON.stringify(node.slice(0, 100))} is no node; name it KIND:ID, as run:UUID, job:NAMESPACE:NAME or dataset:NAMESPACE:NAME`,
  )
}

function jobNamed(elsewhere: Elsewhere, id: string): Promise<OutsideJob> {
  return firstFound(id, 'job', ({ namespace, name }) => elsewhere.job(namespace, name))
}

function datasetNamed(elsewhere: Elsewhere, id: string): ReturnType<Elsewhere['dataset']> {
  return firstFound(id, 'dataset', ({ namespace, name }) => elsewhere.dataset(namespace, name))
}

/** A namespace may have colons, and so may a name: the one that is there is meant. */
const COLONS_MAX = 12

async function firstFound<T>(
  id: string,
  kind: 'job' | 'dataset',
  find: (name: Name) => Promise<T>,
): Promise<T> {
  const parts = id.split(':')
  const names = parts.slice(1, COLONS_MAX).map((_, at) => ({
    namespace: parts.slice(0, at + 1).join(':'),
    name: parts.slice(at + 1).join(':'),
  }))
  for (const name of names)
    try {
      return await find(name)
    } catch (error) {
      if (!(error instanceof Problem) || error.code !== 'not-found') throw error
    }
  throw new Problem(
    'not-found',
    `no ${kind} ${id.slice(0, 200)} is known here; name it NAMESPACE:NAME, as "orrery lineage ${kind}s" lists it`,
  )
}

function runToWire(run: OutsideRun) {
  return {
    id: run.id,
    job: run.job,
    state: run.state,
    started: isoOf(run.startedMs),
    ended: isoOf(run.endedMs),
    first: isoOf(run.firstMs),
    last: isoOf(run.lastMs),
    producer: run.producer,
    parent: run.parent,
    error: run.error,
    events: run.events,
  }
}

function jobToWire(job: OutsideJob) {
  const { namespace, name, lastRun, lastMs } = job
  return { namespace, name, lastRun, last: isoOf(lastMs) }
}

/** What a job is said to use, where that was told without a run. */
function designOf({ facets, inputs, outputs }: OutsideJob) {
  return { facets: facetsOf(facets), inputs, outputs }
}

function datasetToWire({ namespace, name, home, lastMs }: OutsideDataset) {
  return { namespace, name, home, last: isoOf(lastMs) }
}

function useToWire({ run, role, dataset, version, home, ref, atMs, facets }: Use) {
  return { run, role, dataset, version, home, ref, at: isoOf(atMs), facets: facetsOf(facets) }
}

function eventToWire({ change, atMs, producer }: EventNote) {
  return { change, at: isoOf(atMs), producer }
}

function nextOf(page: readonly { place: string }[], limit: number): string | null {
  return page.length === limit ? (page.at(-1)?.place ?? null) : null
}

function isoOf(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString()
}
