import { Problem } from '#base/problem'
import type { GivenModel, GivenVersion, Stage } from '#registry'
import type { KeyValue, LoggedModelStatus, RunStatus } from '#tracking'
import { locate, type Places } from './artifacts.ts'
import type { RestClient } from './rest-client.ts'
import type {
  MlflowSource,
  Point,
  SourceExperiment,
  SourceLoggedModel,
  SourceRun,
} from './source.ts'

const API = '/api/2.0/mlflow'
const PAGE = { experiments: 1000, runs: 200, points: 25_000, models: 100, versions: 200 } as const
const PROMPTS = "tag.`mlflow.prompt.is_prompt` = 'true'"

interface Paged {
  readonly next_page_token?: string
}
interface WireMetric {
  key: string
  value: number | string
  timestamp: number | string
  step?: number | string
  run_id?: string
  dataset_name?: string
  dataset_digest?: string
}
interface WireRun {
  info: Record<string, string | number | undefined>
  data?: { metrics?: WireMetric[]; params?: KeyValue[]; tags?: KeyValue[] }
  inputs?: {
    dataset_inputs?: {
      dataset: Record<string, string>
      tags?: KeyValue[]
    }[]
    model_inputs?: { model_id: string }[]
  }
  outputs?: { model_outputs?: { model_id: string; step?: number | string }[] }
}

/** Any MLflow server from 2.0 on, and our own: read by the calls that its clients make. */
export function restSource(client: RestClient, places: Places): MlflowSource {
  return {
    name: client.url,
    skipped: [],
    experiments: async () => {
      const found: SourceExperiment[] = []
      for await (const page of pages<{ experiments?: WireExperiment[] }>((token) =>
        client.post(`${API}/experiments/search`, {
          view_type: 'ALL',
          max_results: PAGE.experiments,
          ...token,
        }),
      ))
        found.push(...(page.experiments ?? []).map(experimentIn))
      return found.toSorted((a, b) => Number(a.id) - Number(b.id))
    },
    size: async () => null,
    runs: async function* (experimentId) {
      for await (const page of pages<{ runs?: WireRun[] }>((token) =>
        client.post(`${API}/runs/search`, {
          experiment_ids: [experimentId],
          run_view_type: 'ALL',
          max_results: PAGE.runs,
          // New runs then come on the last page, and move no other.
          order_by: ['attributes.start_time ASC'],
          ...token,
        }),
      ))
        yield (page.runs ?? []).map(runIn)
    },
    complete: (runs) => completed(client, runs),
    history: async function* ({ runId }, keys) {
      for (const key of keys)
        for await (const { metrics = [] } of pages<{ metrics?: WireMetric[] }>((token) =>
          client.get(`${API}/metrics/get-history`, {
            run_id: runId,
            metric_key: key,
            max_results: PAGE.points,
            ...token,
          }),
        ))
          yield { key, points: metrics.map(pointIn) }
    },
    loggedModels: (experimentId) => loggedModels(client, experimentId),
    registeredModels: () => registeredModels(client),
    artifacts: (owner, uri) => locate({ ...places, server: places.server ?? client }, owner, uri),
    close: () => undefined,
  }
}

/** Runs asked for at once. */
const RUNS_AT_ONCE = 8

/** MLflow's search leaves the models out that a run was given; only the run itself tells them. */
async function completed(
  client: RestClient,
  runs: readonly SourceRun[],
): Promise<readonly SourceRun[]> {
  const found: SourceRun[] = []
  for (let start = 0; start < runs.length; start += RUNS_AT_ONCE)
    found.push(
      ...(await Promise.all(
        runs.slice(start, start + RUNS_AT_ONCE).map(async (run) => {
          const { run: wire } = await client.get<{ run: WireRun }>(`${API}/runs/get`, {
            run_id: run.runId,
          })
          return runIn(wire)
        }),
      )),
    )
  return found
}

async function* pages<T extends object>(
  ask: (token: { page_token?: string }) => Promise<T>,
): AsyncIterable<T> {
  for (let token: string | undefined = ''; token !== undefined;) {
    const page: T = await ask(token === '' ? {} : { page_token: token })
    yield page
    token = (page as Paged).next_page_token || undefined
  }
}

type WireExperiment = Readonly<
  Record<'experiment_id' | 'name' | 'artifact_location' | 'lifecycle_stage', string | undefined> &
    Record<'creation_time' | 'last_update_time', string | number | undefined>
> & { readonly tags?: KeyValue[] }

function experimentIn(wire: WireExperiment): SourceExperiment {
  return {
    id: String(wire['experiment_id']),
    name: String(wire['name']),
    artifactLocation: wire['artifact_location'] ?? '',
    lifecycle: wire['lifecycle_stage'] === 'deleted' ? 'deleted' : 'active',
    createdMs: Number(wire['creation_time'] ?? 0),
    updatedMs: Number(wire['last_update_time'] ?? 0),
    tags: pairsIn(wire.tags),
  }
}

function runIn({ info, data = {}, inputs = {}, outputs = {} }: WireRun): SourceRun {
  const metrics = data.metrics ?? []
  return {
    runId: String(info['run_id'] ?? info['run_uuid']),
    experimentId: String(info['experiment_id']),
    name: String(info['run_name'] ?? ''),
    userId: String(info['user_id'] ?? ''),
    status: String(info['status']).toLowerCase() as RunStatus,
    startMs: Number(info['start_time'] ?? 0),
    endMs: info['end_time'] === undefined ? null : Number(info['end_time']) || null,
    artifactUri: String(info['artifact_uri'] ?? ''),
    lifecycle: info['lifecycle_stage'] === 'deleted' ? 'deleted' : 'active',
    params: pairsIn(data.params),
    tags: pairsIn(data.tags),
    datasets: (inputs.dataset_inputs ?? []).map(({ dataset, tags }) => ({
      name: dataset['name'] ?? '',
      digest: dataset['digest'] ?? '',
      sourceType: dataset['source_type'] ?? '',
      source: dataset['source'] ?? '',
      schema: dataset['schema'] ?? null,
      profile: dataset['profile'] ?? null,
      tags: pairsIn(tags),
    })),
    modelInputs: (inputs.model_inputs ?? []).map(({ model_id }) => model_id),
    modelOutputs: (outputs.model_outputs ?? []).map(({ model_id, step }) => ({
      modelId: model_id,
      step: Number(step ?? 0),
    })),
    // A server tells the newest point of a metric; more than that is in its history.
    extent: JSON.stringify(
      metrics
        .map(({ key, value, timestamp, step }) => JSON.stringify([key, value, timestamp, step]))
        .toSorted(),
    ),
    points: null,
    keys: metrics.map(({ key }) => key),
  }
}

const MODEL_STATUS: Readonly<Record<string, LoggedModelStatus>> = {
  LOGGED_MODEL_PENDING: 'pending',
  LOGGED_MODEL_READY: 'ready',
  LOGGED_MODEL_UPLOAD_FAILED: 'failed',
}

interface WireModel {
  info: Readonly<Record<string, string | number | undefined>> & { readonly tags?: never }
  data?: { params?: KeyValue[]; metrics?: WireMetric[] }
}

async function* loggedModels(
  client: RestClient,
  experimentId: string,
): AsyncIterable<SourceLoggedModel[]> {
  for await (const page of pages<{ models?: WireModel[] }>((token) =>
    client
      .post<Paged & { models?: WireModel[] }>(`${API}/logged-models/search`, {
        experiment_ids: [experimentId],
        max_results: PAGE.models,
        ...token,
      })
      .catch((error: unknown) => {
        // Servers before 3.0 have none.
        if (error instanceof Problem && error.code === 'not-found') return {}
        throw error
      }),
  ))
    yield (page.models ?? []).map(loggedModelIn)
}

function loggedModelIn({ info, data = {} }: WireModel): SourceLoggedModel {
  return {
    modelId: String(info['model_id']),
    experimentId: String(info['experiment_id']),
    name: String(info['name'] ?? ''),
    artifactUri: String(info['artifact_uri'] ?? ''),
    createdMs: Number(info['creation_timestamp_ms'] ?? 0),
    updatedMs: Number(info['last_updated_timestamp_ms'] ?? 0),
    status: MODEL_STATUS[String(info['status'])] ?? 'pending',
    modelType: String(info['model_type'] ?? ''),
    sourceRunId: String(info['source_run_id'] ?? '') || null,
    lifecycle: 'active',
    params: pairsIn(data.params),
    tags: pairsIn(info.tags),
    metrics: (data.metrics ?? []).map(modelMetricIn),
  }
}

function pointIn({ value, timestamp, step }: WireMetric): Point {
  return { value: Number(value), atMs: Number(timestamp), step: Number(step ?? 0) }
}

function modelMetricIn(wire: WireMetric): SourceLoggedModel['metrics'][number] {
  const { dataset_name: name = '', dataset_digest: digest = '' } = wire
  return {
    key: wire.key,
    value: Number(wire.value),
    atMs: Number(wire.timestamp),
    step: Number(wire.step ?? 0),
    runId: wire.run_id ?? '',
    ...(name === '' ? {} : { dataset: { name, digest } }),
  }
}

type WireRegistered = Record<string, string | number | undefined> & {
  tags?: never
  aliases?: never
}

async function* registeredModels(client: RestClient): AsyncIterable<GivenModel> {
  const seen = new Set<string>()
  for (const filter of ['', PROMPTS]) {
    const ask = (token: object) =>
      client
        .get<Paged & { registered_models?: WireRegistered[] }>(`${API}/registered-models/search`, {
          max_results: PAGE.models,
          ...(filter === '' ? {} : { filter }),
          ...token,
        })
        .catch((error: unknown) => {
          // A server without a registry, or one that knows no prompts.
          const absent = error instanceof Problem && ['not-found', 'invalid'].includes(error.code)
          if (absent && (filter !== '' || error.code === 'not-found')) return {}
          throw error
        })
    for await (const { registered_models: models = [] } of pages<{
      registered_models?: WireRegistered[]
    }>(ask))
      for (const model of models) {
        const name = String(model['name'])
        if (seen.has(name)) continue
        seen.add(name)
        yield await registeredModel(client, model, filter)
      }
  }
}

async function registeredModel(
  client: RestClient,
  wire: WireRegistered,
  kind: string,
): Promise<GivenModel> {
  const name = String(wire['name'])
  const quote = name.includes("'") ? '"' : "'"
  const filter = `name = ${quote}${name}${quote}${kind === '' ? '' : ` AND ${kind}`}`
  const versions: GivenVersion[] = []
  for await (const { model_versions: found = [] } of pages<{ model_versions?: WireRegistered[] }>(
    (token) =>
      client.get(`${API}/model-versions/search`, { filter, max_results: PAGE.versions, ...token }),
  ))
    for (const version of found) versions.push(await versionIn(client, version))
  versions.sort((a, b) => a.version - b.version)
  const aliases = (wire['aliases'] as { alias: string; version: string }[] | undefined) ?? []
  return {
    name,
    note: String(wire['description'] ?? ''),
    createdMs: Number(wire['creation_timestamp'] ?? 0),
    updatedMs: Number(wire['last_updated_timestamp'] ?? 0),
    tags: pairsIn(wire.tags),
    aliases: aliases.map(({ alias, version }) => ({ alias, version: Number(version) })),
    lastVersion: versions.at(-1)?.version ?? 0,
    versions,
  }
}

async function versionIn(client: RestClient, wire: WireRegistered): Promise<GivenVersion> {
  const source = String(wire['source'] ?? '')
  const isPlain = source.startsWith('runs:') || !source.includes(':/')
  const { artifact_uri: location = source } = isPlain
    ? { artifact_uri: source }
    : await client
        .get<{ artifact_uri?: string }>(`${API}/model-versions/get-download-uri`, {
          name: String(wire['name']),
          version: String(wire['version']),
        })
        .catch(() => ({ artifact_uri: source }))
  return {
    version: Number(wire['version']),
    source,
    location,
    runId: String(wire['run_id'] ?? '') || null,
    runLink: String(wire['run_link'] ?? '') || null,
    loggedModelId: loggedModelOf(source) ?? (String(wire['model_id'] ?? '') || null),
    stage: String(wire['current_stage'] ?? 'None').toLowerCase() as Stage,
    note: String(wire['description'] ?? ''),
    createdMs: Number(wire['creation_timestamp'] ?? 0),
    updatedMs: Number(wire['last_updated_timestamp'] ?? 0),
    tags: pairsIn(wire.tags),
  }
}

export function loggedModelOf(source: string): string | undefined {
  return /^models:\/+(m-[^/@]+)$/.exec(source)?.[1]
}

/** Pairs by key, with an empty text where the wire has none. */
export function pairsIn(pairs: readonly { key: string; value?: string }[] | undefined): KeyValue[] {
  return (pairs ?? [])
    .map(({ key, value = '' }) => ({ key, value }))
    .toSorted((a, b) => (a.key < b.key ? -1 : 1))
}
