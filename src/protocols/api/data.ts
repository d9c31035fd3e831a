import type { FastifyInstance } from 'fastify'
import { Type, type Static } from 'typebox'
import { Problem } from '#base/problem'
import type {
  Dataset,
  DatasetRun,
  Datasets,
  DatasetVersion,
  NotedVersion,
  ProfileState,
} from '#datasets'
import {
  DataListWire,
  DataRunsWire,
  DataVersionsWire,
  DataWire,
  ProfileDifferenceWire,
  ProfileStateWire,
  type DataRunWire,
  type NotedVersionWire,
} from './data-wire.ts'
import { placeIn, tokenOf } from './places.ts'
import { plainJson } from './runs.ts'

const limit = Type.Integer({ minimum: 1, maximum: 200, default: 50 })
const before = Type.Optional(
  Type.Integer({ minimum: 0, description: '`next` of the page before.' }),
)
const hash = (description: string) =>
  Type.String({ pattern: '^[0-9a-f]{32}(\\.dir)?$', description })
const ListQuery = Type.Object({
  project: Type.Optional(Type.String({ maxLength: 200 })),
  kind: Type.Optional(Type.Enum(['tracked', 'made'])),
  search: Type.Optional(Type.String({ maxLength: 300, description: 'Paths that hold this.' })),
  after: Type.Optional(Type.String({ description: '`next` of the page before.', examples: [''] })),
  limit,
})
const Place = Type.Object({
  project: Type.String(),
  path: Type.String({ description: 'Path in the project, with %2F between its parts.' }),
})
const VersionPlace = Type.Object({ ...Place.properties, version: Type.String() })
const VersionsQuery = Type.Object({ before, limit })
const RunsQuery = Type.Object({
  version: Type.Optional(hash('Only runs with this version.')),
  before,
  limit,
})
const DifferenceQuery = Type.Object({
  old: hash('The version that is compared with.'),
  new: hash('The version that is compared.'),
})
type Place = Static<typeof Place>
type VersionPlace = Static<typeof VersionPlace>

/** What projects track and stages make: versions, who used them, and what they hold. */
export function dataRoutes(app: FastifyInstance, datasets: Datasets): void {
  app.get<{ Querystring: Static<typeof ListQuery> }>(
    '/datasets',
    {
      schema: {
        summary: 'List datasets by project and path',
        querystring: ListQuery,
        response: { 200: DataListWire },
      },
      serializerCompiler: plainJson,
    },
    async ({ query: { after, ...query } }) => {
      const found = await datasets.list({ ...query, ...afterIn(after) })
      const last = found.datasets.at(-1)
      return {
        datasets: found.datasets.map(datasetToWire),
        next: found.isCut && last !== undefined ? tokenOf([last.project, last.path]) : null,
      }
    },
  )
  app.get<{ Params: Place }>(
    '/datasets/:project/:path',
    {
      schema: { summary: 'Show a dataset', params: Place, response: { 200: DataWire } },
      serializerCompiler: plainJson,
    },
    async ({ params }) => datasetToWire(await datasets.get(params.project, params.path)),
  )
  app.get<{ Params: Place; Querystring: Static<typeof VersionsQuery> }>(
    '/datasets/:project/:path/versions',
    {
      schema: {
        summary: 'List the versions of a dataset, newest first',
        params: Place,
        querystring: VersionsQuery,
        response: { 200: DataVersionsWire },
      },
      serializerCompiler: plainJson,
    },
    async ({ params, query }) => {
      const { versions, next } = await datasets.versions(params, query)
      return { versions: versions.map(notedToWire), next }
    },
  )
  app.get<{ Params: Place; Querystring: Static<typeof RunsQuery> }>(
    '/datasets/:project/:path/runs',
    {
      schema: {
        summary: 'List what read or made a dataset, newest first, with what contracts said of it',
        params: Place,
        querystring: RunsQuery,
        response: { 200: DataRunsWire },
      },
      serializerCompiler: plainJson,
    },
    async ({ params, query }) => {
      const { runs, next } = await datasets.runs(params, query)
      return { runs: runs.map(runToWire), next }
    },
  )
  profileRoutes(app, datasets)
}

function profileRoutes(app: FastifyInstance, datasets: Datasets): void {
  const path = '/datasets/:project/:path/versions/:version/profile'
  app.get<{ Params: VersionPlace }>(
    path,
    {
      schema: {
        summary: 'Show what a version holds, or how it stands with that',
        params: VersionPlace,
        response: { 200: ProfileStateWire },
      },
      serializerCompiler: plainJson,
    },
    async ({ params }) => stateToWire(await datasets.profiles.of(nameIn(params))),
  )
  app.post<{ Params: VersionPlace }>(
    path,
    {
      schema: {
        summary: 'Have the profile of a version made, unless it is there',
        params: VersionPlace,
        response: { 202: ProfileStateWire },
      },
      serializerCompiler: plainJson,
    },
    async ({ params }, reply) =>
      reply.code(202).send(stateToWire(await datasets.profiles.ask(nameIn(params)))),
  )
  app.get<{ Params: Place; Querystring: Static<typeof DifferenceQuery> }>(
    '/datasets/:project/:path/difference',
    {
      schema: {
        summary: 'Compare the profiles of two versions',
        params: Place,
        querystring: DifferenceQuery,
        response: { 200: ProfileDifferenceWire },
      },
      serializerCompiler: plainJson,
    },
    async ({ params, query }) => datasets.difference(params, query),
  )
}

function nameIn({ project, path, version }: VersionPlace) {
  return { project, path, md5: version }
}

function afterIn(token: string | undefined): { after?: { project: string; path: string } } {
  const place = placeIn(token)
  if (place === undefined) return {}
  const [project, path] = place
  if (typeof project === 'string' && typeof path === 'string') return { after: { project, path } }
  throw new Problem(
    'invalid',
    `${JSON.stringify(token?.slice(0, 100))} is no page token of datasets; use the one that the page before gave`,
  )
}

function datasetToWire({ project, path, kind, versions }: Dataset): DataWire {
  const [newest] = versions
  if (newest === undefined) throw new Error('a dataset has at least one version')
  return { project, path, kind, versions: versions.length, newest: versionToWire(newest) }
}

function versionToWire({ md5, addedMs, ...version }: DatasetVersion) {
  const { position, sizeBytes, files, commit } = version
  return { version: md5, position, added: iso(addedMs), sizeBytes, files, commit }
}

function notedToWire({ note, ...version }: NotedVersion): NotedVersionWire {
  return {
    ...versionToWire(version),
    commit: note?.commit ?? version.commit,
    author: note?.author ?? null,
    message: note?.message ?? null,
    committed: note === null ? null : iso(note.atMs),
  }
}

function runToWire({ md5, startedMs, checks, ...run }: DatasetRun): DataRunWire {
  return {
    ...run,
    version: md5,
    started: startedMs === null ? null : iso(startedMs),
    checks: checks === null ? null : { ...checks, contracts: [...checks.contracts] },
  }
}

function stateToWire(found: ProfileState) {
  return {
    state: found.state,
    progress: found.state === 'running' ? found.progress : null,
    reason: found.state === 'failed' ? found.reason : null,
    profile: found.state === 'ready' ? found.profile : null,
  }
}

function iso(ms: number): string {
  return new Date(ms).toISOString()
}
