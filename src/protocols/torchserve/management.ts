import type { FastifyInstance } from 'fastify'
import { Problem } from '#base/problem'
import type { Described, Inference, Repository, Standing } from '#inference'
import { ofModel, problemOfType, versionIn } from './errors.ts'

/** TorchServe's page has at most as many models. */
const PAGE_MAX = 100

interface Parts {
  readonly inference: Inference
  readonly repository: Repository | undefined
}

interface ModelPath {
  Params: { model: string; version?: string }
  Querystring: Readonly<Record<string, string | undefined>>
}

/** Which models are served, and changing that: always by declaring endpoints, through the repository. */
export function managementRoutes(app: FastifyInstance, parts: Parts): void {
  const { inference } = parts
  app.get<ModelPath>('/models', async ({ query }) => page(inference.standings(), query))
  app.post<ModelPath>('/models', async ({ query }) => registered(parts, query))
  app.get<ModelPath>('/models/:model', async ({ params }) => [await shown(inference, params)])
  app.get<ModelPath>('/models/:model/:version', async ({ params }) =>
    params.version === 'all' ? shownAll(inference, params.model) : [await shown(inference, params)],
  )
  app.put<ModelPath>('/models/:model', async ({ params, query }) => scaled(parts, params, query))
  app.put<ModelPath>('/models/:model/:version', async ({ params, query }) =>
    scaled(parts, params, query),
  )
  app.put<ModelPath>('/models/:model/:version/set-default', async ({ params }) =>
    madeDefault(parts, params),
  )
  for (const path of ['/models/:model', '/models/:model/:version'])
    app.delete<ModelPath>(path, async ({ params }) => unregistered(parts, params))
}

function page(standings: readonly Standing[], query: ModelPath['Querystring']): object {
  const limit = countIn(query, 'limit', PAGE_MAX)
  const start = countIn(query, 'next_page_token', 0)
  const models = standings
    .toSorted((one, other) => (one.endpoint < other.endpoint ? -1 : 1))
    .map(({ endpoint, revision }) => ({
      modelName: endpoint,
      modelUrl: revision === null ? '' : `models:/${revision.model}/${revision.version}`,
    }))
  const size = Math.min(Math.max(limit, 1), PAGE_MAX)
  const end = start + size
  return {
    ...(end < models.length ? { nextPageToken: String(end) } : {}),
    models: models.slice(start, end),
  }
}

function countIn(query: ModelPath['Querystring'], name: string, fallback: number): number {
  const text = query[name]
  if (text === undefined || text === '') return fallback
  if (/^\d{1,9}$/.test(text)) return Number(text)
  throw new Problem('invalid', `${name} is ${text.slice(0, 40)}; it has to be a whole number`)
}

async function registered(
  { inference, repository }: Parts,
  query: ModelPath['Querystring'],
): Promise<object> {
  const { url, model_name: given } = query
  if (url === undefined || url === '')
    throw new Problem('invalid', 'Parameter url is required; send url=models:/NAME/VERSION')
  const [, model] = /^models:\/([^/@]+)(?:\/\d+|@[\w-]+)$/.exec(url) ?? []
  if (model === undefined)
    throw problemOfType(
      'invalid',
      'BadRequestException',
      `${url.slice(0, 200)} cannot be served: archives (.mar) are not read, registered models are; log the model with MLflow and send url=models:/NAME/VERSION or url=models:/NAME@ALIAS`,
    )
  const name = given === undefined || given === '' ? model : given
  if (inference.standings().some(({ endpoint }) => endpoint === name))
    throw new Problem(
      'conflict',
      `Model ${name} is already registered; let another version answer with PUT /models/${name}/VERSION/set-default`,
    )
  await repositoryOf(repository).load(name, { model: url })
  const { revision } = await inference.describe(name)
  return {
    status: `Model "${name}" Version: ${revision.version} registered with 1 initial workers`,
  }
}

function repositoryOf(repository: Repository | undefined): Repository {
  if (repository !== undefined) return repository
  throw new Problem(
    'unsupported',
    'models cannot be changed at this port; declare endpoints in orrery.yaml',
  )
}

async function shown(inference: Inference, { model, version }: ModelPath['Params']) {
  const wanted = versionIn(model, version)
  const described = await describedNow(inference, model, wanted)
  return shownOf({ inference, model, wanted }, described)
}

async function shownAll(inference: Inference, model: string) {
  const described = await describedNow(inference, model, undefined)
  if (described === undefined) return [shownOf({ inference, model, wanted: undefined }, undefined)]
  return Promise.all(
    described.versions.map((version) => shown(inference, { model, version: String(version) })),
  )
}

/** Undefined while nothing of it can answer. */
async function describedNow(
  inference: Inference,
  name: string,
  version: number | undefined,
): Promise<Described | undefined> {
  try {
    const pin = version === undefined ? undefined : ({ by: 'version', version } as const)
    return await ofModel({ name, version }, () => inference.describe(name, pin))
  } catch (error) {
    if (error instanceof Problem && error.code === 'unavailable') return undefined
    throw error
  }
}

/** Workers are kept by the server itself, so each version has one here: what answers for it. */
function shownOf(
  { inference, model, wanted }: { inference: Inference; model: string; wanted: number | undefined },
  described: Described | undefined,
): object {
  const standing = inference.standings().find(({ endpoint }) => endpoint === model)
  const revision = described?.revision ?? standing?.revision ?? undefined
  const version = wanted ?? revision?.version
  const workers =
    revision === undefined || described === undefined
      ? []
      : [
          {
            id: String(revision.number),
            startTime: new Date(revision.createdMs).toISOString(),
            status: 'READY',
            memoryUsage: 0,
            pid: -1,
            gpu: false,
            gpuUsage: 'N/A',
          },
        ]
  return {
    modelName: model,
    modelVersion: version === undefined ? '' : String(version),
    modelUrl: revision === undefined ? '' : `models:/${revision.model}/${version}`,
    runtime: described?.flavor ?? '',
    minWorkers: workers.length,
    maxWorkers: workers.length,
    batchSize: 1,
    maxBatchDelay: 0,
    loadedAtStartup: false,
    workers,
  }
}

async function scaled(
  { inference, repository }: Parts,
  { model, version }: ModelPath['Params'],
  query: ModelPath['Querystring'],
): Promise<object> {
  const wanted = versionIn(model, version)
  const workers = countIn(query, 'min_worker', 1)
  if (countIn(query, 'max_worker', workers) < workers)
    throw new Problem('invalid', 'max_worker is less than min_worker; it must be at least as many')
  const name = { name: model, version: wanted }
  if (workers === 0) {
    await ofModel(name, () => repositoryOf(repository).unload(model))
    return { status: `Workers scaled to 0 for model: ${model}` }
  }
  await ofModel(name, () => repositoryOf(repository).load(model))
  await ofModel(name, () =>
    inference.describe(
      model,
      wanted === undefined ? undefined : { by: 'version', version: wanted },
    ),
  )
  return {
    status: `Workers scaled for model: ${model}; their number follows the machine, min_worker decides only whether there are any`,
  }
}

/** Only an endpoint that was registered here follows such a wish; what a project declares, its promotions move. */
async function madeDefault(
  { inference, repository }: Parts,
  { model, version = '' }: ModelPath['Params'],
): Promise<object> {
  const wanted = versionIn(model, version)
  const standing = inference.standings().find(({ endpoint }) => endpoint === model)
  if (standing === undefined)
    throw problemOfType('not-found', 'ModelNotFoundException', `Model not found: ${model}`)
  const registeredAs = standing.revision?.model ?? model
  if (standing.revision?.version !== wanted)
    await ofModel({ name: model, version: wanted }, () =>
      repositoryOf(repository).load(model, { model: `models:/${registeredAs}/${wanted}` }),
    )
  return {
    status: `Default version successfully updated for model "${model}" to "${wanted}"`,
  }
}

async function unregistered(
  { inference, repository }: Parts,
  { model, version }: ModelPath['Params'],
): Promise<object> {
  const wanted = versionIn(model, version)
  if (wanted !== undefined) {
    const described = await describedNow(inference, model, wanted)
    const others = described?.versions.filter((each) => each !== wanted) ?? []
    if (others.length > 0)
      throw problemOfType(
        'forbidden',
        'InvalidModelVersionException',
        `Cannot remove version ${wanted} of ${model} while ${others.join(', ')} answers too; remove the model, or move its traffic first`,
      )
  }
  await ofModel({ name: model, version: undefined }, () => repositoryOf(repository).remove(model))
  return { status: `Model "${model}" unregistered` }
}
