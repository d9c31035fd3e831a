import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import { messageOf } from '#base/problem'
import type { GivenModel, Stage } from '#registry'
import type { DatasetInput, KeyValue, LoggedModelStatus, RunStatus } from '#tracking'
import { locate, type Places } from './artifacts.ts'
import { loggedModelOf } from './rest-source.ts'
import type {
  MlflowSource,
  Point,
  SourceExperiment,
  SourceLoggedModel,
  SourceRun,
} from './source.ts'

const PAGE = 200
const POINTS = 20_000
const RUN_STATUS: readonly RunStatus[] = ['running', 'scheduled', 'finished', 'failed', 'killed']
const MODEL_STATUS: readonly LoggedModelStatus[] = ['pending', 'ready', 'failed']

type Meta = Readonly<Record<string, unknown>>
type MetaOf = (folder: string, what: string) => Meta | undefined

/** A folder `mlruns`, as MLflow writes it without a database. */
export function folderSource(root: string, places: Places): MlflowSource {
  const homes = new Map<string, string>()
  const skipped: { what: string; id: string; reason: string }[] = []
  /** What a folder says of itself; a broken one is left out, and said so. */
  const metaOf = (folder: string, what: string): Meta | undefined => {
    try {
      const meta = parse(readFileSync(join(folder, 'meta.yaml'), 'utf8')) as unknown
      if (typeof meta === 'object' && meta !== null) return meta as Meta
      throw new Error('it is empty')
    } catch (error) {
      skipped.push({
        what,
        id: folder,
        reason: `its meta.yaml cannot be read: ${messageOf(error)}`,
      })
      return undefined
    }
  }
  const places2 = { ...places, usual: [...places.usual, root, join(root, '.trash')] }
  return {
    name: `file://${root}`,
    skipped,
    experiments: async () => experimentsIn(root, { homes, metaOf }),
    size: async (ids) =>
      ids.reduce(
        (sum, id) => sum + runsIn(homes.get(id)).length + modelsIn(homes.get(id)).length,
        0,
      ),
    runs: async function* (experimentId) {
      const home = homes.get(experimentId)
      const names = runsIn(home)
      for (let start = 0; start < names.length; start += PAGE)
        yield names.slice(start, start + PAGE).flatMap((name) => {
          const folder = join(home ?? '', name)
          const meta = metaOf(folder, 'run')
          return meta === undefined ? [] : [runOf({ home: home ?? '', folder, experimentId }, meta)]
        })
    },
    complete: async (runs) => runs,
    history: async function* (run, keys) {
      for (const key of keys) {
        const file = join(homes.get(run.experimentId) ?? '', run.runId, 'metrics', key)
        // The same line may be there twice; a point is one.
        const lines = [...new Set(linesOf(file))]
        for (let start = 0; start < lines.length; start += POINTS)
          yield { key, points: lines.slice(start, start + POINTS).map(pointOf) }
      }
    },
    loggedModels: async function* (experimentId) {
      const home = homes.get(experimentId)
      const found = modelsIn(home).flatMap((id) => {
        const folder = join(home ?? '', 'models', id)
        const meta = metaOf(folder, 'logged model')
        return meta === undefined ? [] : [loggedModelOfMeta(folder, experimentId, meta)]
      })
      if (found.length > 0) yield found
    },
    registeredModels: async function* () {
      const models = join(root, 'models')
      for (const name of foldersIn(models)) {
        const meta = metaOf(join(models, name), 'registered model')
        if (meta !== undefined) yield registeredModelOf(join(models, name), meta, metaOf)
      }
    },
    artifacts: (owner, uri) => locate(places2, owner, uri),
    close: () => undefined,
  }
}

function experimentsIn(
  root: string,
  { homes, metaOf }: { homes: Map<string, string>; metaOf: MetaOf },
): SourceExperiment[] {
  const found: SourceExperiment[] = []
  for (const [parent, lifecycle] of [
    [root, 'active'],
    [join(root, '.trash'), 'deleted'],
  ] as const)
    for (const id of foldersIn(parent).filter((name) => /^\d+$/.test(name))) {
      const folder = join(parent, id)
      const meta = metaOf(folder, 'experiment')
      if (meta === undefined) continue
      homes.set(id, folder)
      const createdMs = number(meta['creation_time'])
      found.push({
        id,
        name: text(meta['name']),
        artifactLocation: text(meta['artifact_location']),
        lifecycle: meta['lifecycle_stage'] === 'deleted' ? 'deleted' : lifecycle,
        createdMs,
        updatedMs: number(meta['last_update_time']) || createdMs,
        tags: pairsIn(join(folder, 'tags')),
      })
    }
  return found
}

function runOf(at: { home: string; folder: string; experimentId: string }, meta: Meta): SourceRun {
  const { home, folder, experimentId } = at
  const metrics = filesBelow(join(folder, 'metrics'))
  const models = (kind: 'inputs' | 'outputs') =>
    foldersIn(join(folder, kind)).map((name) => yamlIn(join(folder, kind, name)))
  const inputs = models('inputs')
  const status = meta['status']
  return {
    runId: text(meta['run_id'] ?? meta['run_uuid']),
    experimentId,
    name: text(meta['run_name'] ?? meta['name']),
    userId: text(meta['user_id']),
    status:
      typeof status === 'number'
        ? (RUN_STATUS[status - 1] ?? 'running')
        : (text(status).toLowerCase() as RunStatus),
    startMs: number(meta['start_time']),
    endMs:
      meta['end_time'] === null || meta['end_time'] === undefined ? null : number(meta['end_time']),
    artifactUri: text(meta['artifact_uri']),
    lifecycle: meta['lifecycle_stage'] === 'deleted' ? 'deleted' : 'active',
    params: pairsIn(join(folder, 'params')),
    tags: pairsIn(join(folder, 'tags')),
    datasets: inputs
      .filter((input) => input['source_type'] === 'DATASET')
      .map((input) => datasetOf(join(home, 'datasets', text(input['source_id'])), input)),
    modelInputs: inputs
      .filter((input) => text(input['source_type']).startsWith('MODEL'))
      .map((input) => text(input['source_id'])),
    modelOutputs: models('outputs').map((output) => ({
      modelId: text(output['destination_id']),
      step: number(output['step']),
    })),
    // Points are only ever added to their file.
    extent: JSON.stringify(metrics.map(({ path, sizeBytes }) => [path, sizeBytes])),
    points: null,
    keys: metrics.map(({ path }) => path),
  }
}

function datasetOf(folder: string, input: Meta): DatasetInput {
  const meta = yamlIn(folder)
  return {
    name: text(meta['name']),
    digest: text(meta['digest']),
    sourceType: text(meta['source_type']),
    source: text(meta['source']),
    schema: optional(meta['schema']),
    profile: optional(meta['profile']),
    tags: Object.entries((input['tags'] as Record<string, unknown> | null) ?? {}).map(
      ([key, value]) => ({ key, value: text(value) }),
    ),
  }
}

function loggedModelOfMeta(folder: string, experimentId: string, meta: Meta): SourceLoggedModel {
  const metrics = filesBelow(join(folder, 'metrics')).flatMap(({ path: key }) =>
    linesOf(join(folder, 'metrics', key)).map((line) => modelMetricOf(key, line)),
  )
  return {
    modelId: text(meta['model_id']),
    experimentId,
    name: text(meta['name']),
    artifactUri: text(meta['artifact_location']),
    createdMs: number(meta['creation_timestamp']),
    updatedMs: number(meta['last_updated_timestamp']),
    status: MODEL_STATUS[number(meta['status']) - 1] ?? 'pending',
    modelType: text(meta['model_type']),
    sourceRunId: optional(meta['source_run_id']),
    lifecycle: meta['lifecycle_stage'] === 'deleted' ? 'deleted' : 'active',
    params: pairsIn(join(folder, 'params')),
    tags: pairsIn(join(folder, 'tags')),
    metrics,
  }
}

function modelMetricOf(key: string, line: string): SourceLoggedModel['metrics'][number] {
  const [, , , runId = '', name, digest = ''] = line.split(' ')
  const dataset = name === undefined ? {} : { dataset: { name, digest } }
  return { key, ...pointOf(line), runId, ...dataset }
}

function registeredModelOf(folder: string, meta: Meta, metaOf: MetaOf): GivenModel {
  const numbers = foldersIn(folder)
    .flatMap((name) => /^version-(\d+)$/.exec(name)?.[1] ?? [])
    .map(Number)
    .toSorted((a, b) => a - b)
  const versions = numbers.flatMap((number_) => {
    const own = join(folder, `version-${number_}`)
    const found = metaOf(own, 'model version')
    return found === undefined || found['current_stage'] === 'Deleted_Internal'
      ? []
      : [versionOf(own, number_, found)]
  })
  const files = filesBelow(join(folder, 'aliases')).map(({ path }) => ({
    alias: path,
    version: number(readFileSync(join(folder, 'aliases', path), 'utf8').trim()),
  }))
  return {
    name: text(meta['name']),
    note: text(meta['description']),
    createdMs: number(meta['creation_timestamp']),
    updatedMs: number(meta['last_updated_timestamp']),
    tags: pairsIn(join(folder, 'tags')),
    aliases: files,
    lastVersion: numbers.at(-1) ?? 0,
    versions,
  }
}

function versionOf(folder: string, version: number, meta: Meta): GivenModel['versions'][number] {
  const source = text(meta['source'])
  return {
    version,
    source,
    location: optional(meta['storage_location']) ?? source,
    runId: optional(meta['run_id']),
    runLink: optional(meta['run_link']),
    loggedModelId: loggedModelOf(source) ?? optional(meta['model_id']),
    stage: (text(meta['current_stage']) || 'None').toLowerCase() as Stage,
    note: text(meta['description']),
    createdMs: number(meta['creation_timestamp']),
    updatedMs: number(meta['last_updated_timestamp']),
    tags: pairsIn(join(folder, 'tags')),
  }
}

function pointOf(line: string): Point {
  const [atMs = '0', value = 'nan', step = '0'] = line.split(' ')
  return { atMs: Number(atMs), value: valueIn(value), step: Number(step) }
}

/** A number as Python prints it. */
function valueIn(word: string): number {
  const [, sign = '', name = ''] = /^([+-]?)(nan|inf|infinity)$/i.exec(word) ?? []
  if (name === '') return Number(word)
  if (name.toLowerCase() === 'nan') return Number.NaN
  return sign === '-' ? -Infinity : Infinity
}

function linesOf(file: string): string[] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line.trim() !== '')
}

function pairsIn(folder: string): KeyValue[] {
  return filesBelow(folder).map(({ path }) => ({
    key: path,
    value: readFileSync(join(folder, path), 'utf8'),
  }))
}

/** Files at any depth: keys with slashes are folders. */
function filesBelow(root: string, folder = ''): { path: string; sizeBytes: number }[] {
  if (!existsSync(join(root, folder))) return []
  return readdirSync(join(root, folder), { withFileTypes: true })
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`
      if (entry.isDirectory()) return filesBelow(root, path)
      return [{ path, sizeBytes: statSync(join(root, path)).size }]
    })
}

function runsIn(home: string | undefined): string[] {
  return foldersIn(home).filter((name) => /^[0-9a-f]{32}$/.test(name))
}

function modelsIn(home: string | undefined): string[] {
  return foldersIn(home === undefined ? undefined : join(home, 'models')).filter((name) =>
    name.startsWith('m-'),
  )
}

function foldersIn(folder: string | undefined): string[] {
  if (folder === undefined || !existsSync(folder)) return []
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
    .toSorted()
}

function yamlIn(folder: string): Meta {
  return (parse(readFileSync(join(folder, 'meta.yaml'), 'utf8')) as Meta | null) ?? {}
}

function text(value: unknown): string {
  if (typeof value === 'string') return value
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : ''
}

function optional(value: unknown): string | null {
  return text(value) === '' ? null : text(value)
}

function number(value: unknown): number {
  return Number(value ?? 0)
}
