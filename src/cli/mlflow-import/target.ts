import type { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { Problem } from '#base/problem'
import type { GivenModel, ModelTaken } from '#registry'
import type {
  ExperimentTaken,
  GivenExperiment,
  GivenLoggedModel,
  GivenRun,
  LoggedCounts,
  Mark,
  MarkKind,
  Taken,
} from '#tracking'
import { apiClient } from '../client.ts'
import { encoded } from '../mlflow-store/artifacts.ts'
import type { Point } from '../mlflow-store/source.ts'

/** The Orrery server that takes it in. Every call may be sent again. */
export interface Target {
  readonly url: string
  experiments(given: readonly GivenExperiment[]): Promise<ExperimentTaken[]>
  runs(given: readonly GivenRun[]): Promise<Taken[]>
  metrics(
    series: readonly { runId: string; key: string; points: readonly Point[] }[],
  ): Promise<void>
  loggedModels(given: readonly GivenLoggedModel[]): Promise<Taken[]>
  model(given: GivenModel): Promise<ModelTaken>
  mark(marks: readonly Mark[]): Promise<void>
  marks(kind: MarkKind, ids: readonly string[]): Promise<Map<string, Mark>>
  counts(runIds: readonly string[]): Promise<LoggedCounts[]>
  /** Sizes by path of all files below a folder of the artifact tree. */
  files(folder: string): Promise<Map<string, number>>
  put(path: string, bytes: Readable): Promise<void>
}

const TRIES = 5

export function importTarget(url: string, source: string): Target {
  const api = apiClient(url)
  const post = <T>(path: string, body: object): Promise<T> =>
    again(() => api.post<T>(`/imports/${path}`, { source, ...body }))
  return {
    url,
    experiments: async (experiments) =>
      (await post<{ experiments: ExperimentTaken[] }>('experiments', { experiments })).experiments,
    runs: async (runs) => (await post<{ outcomes: Taken[] }>('runs', { runs })).outcomes,
    metrics: async (series) => {
      await post('metrics', {
        series: series.map(({ runId, key, points }) => ({
          runId,
          key,
          atMs: points.map(({ atMs }) => atMs),
          steps: points.map(({ step }) => step),
          values: points.map(({ value }) => valueToWire(value)),
        })),
      })
    },
    loggedModels: async (given) => {
      const models = given.map((model) => ({
        ...model,
        metrics: model.metrics.map((metric) => ({ ...metric, value: valueToWire(metric.value) })),
      }))
      return (await post<{ outcomes: Taken[] }>('logged-models', { models })).outcomes
    },
    model: (model) => post<ModelTaken>('registered-models', { model }),
    mark: async (marks) => {
      if (marks.length > 0) await post('marks', { marks })
    },
    marks: async (kind, ids) => {
      const { marks } = await post<{ marks: Mark[] }>('marks/find', { kind, ids })
      return new Map(marks.map((mark) => [mark.id, mark]))
    },
    counts: async (runs) => (await post<{ runs: LoggedCounts[] }>('counts', { runs })).runs,
    files: (folder) => filesBelow(url, folder),
    put: (path, bytes) => put(url, path, bytes),
  }
}

/** A server that is started again meanwhile is waited for, for a while. */
async function again<T>(call: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++)
    try {
      return await call()
    } catch (error) {
      const isPassing = error instanceof Problem && error.code === 'unavailable'
      if (!isPassing || attempt === TRIES) throw error
      await sleep(200 * 2 ** attempt)
    }
}

function valueToWire(value: number): number | string {
  return Number.isFinite(value) ? value : String(value)
}

const FILES = '/api/2.0/mlflow-artifacts/artifacts'

async function filesBelow(url: string, root: string): Promise<Map<string, number>> {
  const found = new Map<string, number>()
  const walk = async (folder: string): Promise<void> => {
    const path = folder === '' ? root : `${root}/${folder}`
    const answer = await fetch(`${url}${FILES}?path=${encodeURIComponent(path)}`)
    if (!answer.ok) throw refused(url, path, answer.status)
    const { files = [] } = (await answer.json()) as {
      files?: { path: string; is_dir?: boolean; file_size?: number }[]
    }
    for (const file of files) {
      const name = (folder === '' ? '' : `${folder}/`) + file.path
      if (file.is_dir === true) await walk(name)
      else found.set(name, file.file_size ?? 0)
    }
  }
  await walk('')
  return found
}

async function put(url: string, path: string, bytes: Readable): Promise<void> {
  const answer = await fetch(`${url}${FILES}/${encoded(path)}`, {
    method: 'PUT',
    body: bytes,
    duplex: 'half',
    headers: { 'content-type': 'application/octet-stream' },
  }).catch((cause: unknown) => {
    throw new Problem('unavailable', `${url} did not take ${path}: ${String(cause)}`)
  })
  const said = await answer.text()
  if (!answer.ok) throw refused(url, path, answer.status, said)
}

function refused(url: string, path: string, status: number, said = ''): Problem {
  const code = status >= 500 ? 'unavailable' : 'invalid'
  return new Problem(code, `${url} answers ${status} for ${path}: ${said.slice(0, 300)}`)
}
