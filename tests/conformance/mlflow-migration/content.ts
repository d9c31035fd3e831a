import { createHash } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { pathOfUri } from '#tracking'
import { createMlflowDatabase } from '../../../src/cli/mlflow-export/database.ts'
import { restClient } from '../../../src/cli/mlflow-store/rest-client.ts'
import { restSource } from '../../../src/cli/mlflow-store/rest-source.ts'
import type {
  MlflowSource,
  Owner,
  Point,
  SourceExperiment,
  SourceRun,
} from '../../../src/cli/mlflow-store/source.ts'

/** A run with its history and its files, to be written into a store. */
export interface MadeRun {
  readonly run: SourceRun
  readonly history: Readonly<Record<string, readonly Point[]>>
  readonly files: Readonly<Record<string, Uint8Array>>
}

/** Writes `mlflow.db` and `mlartifacts` into a folder, as an MLflow server has them. */
export async function writeStore(
  folder: string,
  experiments: readonly SourceExperiment[],
  runs: readonly MadeRun[],
): Promise<string> {
  const file = join(folder, 'mlflow.db')
  await mkdir(join(folder, 'mlartifacts'), { recursive: true })
  const database = createMlflowDatabase(file, { nowMs: () => 1_700_000_000_000 })
  database.experiments(experiments)
  database.runs(runs.map(({ run }) => run))
  for (const { run, history, files } of runs) {
    for (const [key, points] of Object.entries(history)) database.points(run, key, points)
    for (const [path, bytes] of Object.entries(files)) {
      const to = join(folder, 'mlartifacts', pathOfUri(run.artifactUri) ?? '', path)
      await mkdir(dirname(to), { recursive: true })
      await writeFile(to, bytes)
    }
  }
  database.close()
  return file
}

/** What an Orrery server holds of it all, in one order. */
export function contentOfServer(url: string, ...names: readonly string[]): Promise<unknown[]> {
  return contentOf(restSource(restClient(url, {}), { usual: [] }), ...names)
}

/** Everything of a store but where its files lie; experiments by their names. */
export async function contentOf(
  source: MlflowSource,
  ...names: readonly string[]
): Promise<unknown[]> {
  const told: unknown[] = []
  for (const experiment of await source.experiments()) {
    const { id, name, artifactLocation: _, ...rest } = experiment
    if (names.length > 0 && !names.includes(name)) continue
    told.push({ name, ...rest })
    for await (const page of source.runs(id))
      for (const run of await source.complete(page)) told.push(await contentOfRun(source, run))
  }
  return told.map((each) => JSON.stringify(each)).toSorted()
}

async function contentOfRun(source: MlflowSource, run: SourceRun): Promise<unknown> {
  const { experimentId, artifactUri, extent: _, points: _points, keys, ...rest } = run
  const history: Record<string, string[]> = {}
  for await (const { key, points } of source.history(run, keys.toSorted()))
    history[key] = [
      ...(history[key] ?? []),
      ...points.map(({ atMs, step, value }) => `${atMs} ${step} ${value + 0}`),
    ].toSorted()
  const owner: Owner = { experimentId, kind: 'run', id: run.runId }
  const located = await source.artifacts(owner, artifactUri)
  const files: string[] = []
  if (located.kind === 'folder')
    for await (const { path } of located.folder.files()) {
      const hash = createHash('sha256')
      for await (const chunk of await located.folder.open(path)) hash.update(chunk as Buffer)
      files.push(`${path} ${hash.digest('hex')}`)
    }
  const datasets = rest.datasets.map((each) => ({
    ...each,
    tags: each.tags.toSorted((a, b) => (a.key < b.key ? -1 : 1)),
  }))
  return {
    ...rest,
    datasets,
    history: Object.entries(history).toSorted(([a], [b]) => (a < b ? -1 : 1)),
    files: files.toSorted(),
  }
}
