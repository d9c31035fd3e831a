import type { FastifyInstance } from 'fastify'
import { parseExactJson, type ExactJson } from '#base/exact-json'
import { textOf } from '#base/json'
import { messageOf, Problem } from '#base/problem'
import type { Inference, Repository, Standing } from '#inference'

/** Models of one page; a caller asks for the next by its token. */
const PAGE_SIZE = 100

interface ModelPath {
  Params: { model: string }
}

/** How SageMaker has a container of many models load and let go of them. A model is an endpoint here. */
export function modelRoutes(
  app: FastifyInstance,
  { inference, repository }: { inference: Inference; repository: Repository | undefined },
): void {
  const standing = (model: string): Standing => {
    const found = inference.standings().find(({ endpoint }) => endpoint === model)
    if (found === undefined || found.state !== 'ready')
      throw new Problem('not-found', `the model ${model.slice(0, 200)} is not loaded`)
    return found
  }
  app.get<{ Querystring: { next_page_token?: string; nextPageToken?: string } }>(
    '/models',
    async ({ query }) => pageOf(inference, query.next_page_token ?? query.nextPageToken ?? '0'),
  )
  app.post('/models', async (request) => {
    const { name, url } = askedModel(request.body)
    const found = inference.standings().find(({ endpoint }) => endpoint === name)
    if (found?.state === 'ready') throw new Problem('exists', `the model ${name} is loaded already`)
    await changing(repository).load(name, url.startsWith('models:/') ? { model: url } : {})
    return { modelName: name, modelUrl: url }
  })
  app.get<ModelPath>('/models/:model', async ({ params }) => shown(standing(params.model)))
  app.delete<ModelPath>('/models/:model', async ({ params }) => {
    const { endpoint } = standing(params.model)
    await changing(repository).unload(endpoint)
    return {}
  })
}

function askedModel(body: unknown): { name: string; url: string } {
  const { model_name: name, url } = dictionaryIn(body)
  if (typeof name !== 'string' || name === '' || typeof url !== 'string')
    throw new Problem(
      'invalid',
      'the body must be {"model_name": "NAME", "url": "models:/MODEL/VERSION"}',
    )
  return { name, url }
}

function dictionaryIn(body: unknown): Readonly<Record<string, ExactJson>> {
  try {
    const value = parseExactJson(Buffer.isBuffer(body) ? textOf(body) : '')
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Readonly<Record<string, ExactJson>>)
      : {}
  } catch (error) {
    throw new Problem('invalid', `the body is not valid JSON: ${messageOf(error)}`)
  }
}

function changing(repository: Repository | undefined): Repository {
  if (repository === undefined)
    throw new Problem('unsupported', 'models cannot be changed at this port')
  return repository
}

function pageOf({ standings }: Inference, token: string) {
  const start = /^\d{1,9}$/.test(token) ? Number(token) : 0
  const loaded = standings().filter(({ state }) => state === 'ready')
  const end = start + PAGE_SIZE
  return {
    models: loaded.slice(start, end).map(shown),
    ...(end < loaded.length ? { nextPageToken: String(end) } : {}),
  }
}

function shown({ endpoint, revision }: Standing) {
  return {
    modelName: endpoint,
    modelUrl: revision === null ? '' : `models:/${revision.model}/${revision.version}`,
  }
}
