import { createHash } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import { Problem } from '#base/problem'
import { restClient } from '../mlflow-store/rest-client.ts'
import { restSource } from '../mlflow-store/rest-source.ts'
import type {
  MlflowSource,
  Owner,
  SourceExperiment,
  SourceLoggedModel,
  SourceRun,
} from '../mlflow-store/source.ts'
import type { GivenModel } from '#registry'
import { chosen, type Wanted } from './work.ts'
import type { Report } from './report.ts'
import type { Target } from './target.ts'

interface Comparison {
  readonly there: MlflowSource
  readonly here: MlflowSource
  readonly report: Report
}

/** Reads both stores whole, this server's by the calls of MLflow's clients, and tells every difference. */
export async function compareStores(
  there: MlflowSource,
  target: Target,
  { report, wanted }: { report: Report; wanted: Wanted },
): Promise<void> {
  const here = restSource(restClient(target.url, {}), { usual: [] })
  const comparison: Comparison = { there, here, report }
  const experiments = chosen(await there.experiments(), wanted.experiments)
  const marks = await target.marks(
    'experiment',
    experiments.map(({ id }) => id),
  )
  for (const experiment of experiments)
    await compareExperiment(comparison, experiment, marks.get(experiment.id)?.ownId ?? '')
  await compareRegistries(comparison, wanted)
  report.verified = 'full'
}

async function compareExperiment(
  { there, here, report }: Comparison,
  experiment: SourceExperiment,
  ownId: string,
): Promise<void> {
  const models = new Map<string, SourceLoggedModel>()
  for await (const page of here.loggedModels(ownId))
    for (const each of page) models.set(each.modelId, each)
  for await (const page of there.loggedModels(experiment.id))
    for (const model of page) {
      const own = models.get(model.modelId)
      // A model that was deleted is not listed by servers.
      if (model.lifecycle === 'deleted') continue
      differ(
        report,
        { what: 'logged model', id: model.modelId },
        factsOfModel(model),
        own && factsOfModel(own),
      )
      const owner = { experimentId: experiment.id, kind: 'model', id: model.modelId } as const
      await compareFiles({ there, here, report }, owner, {
        uri: model.artifactUri,
        own: own?.artifactUri ?? '',
      })
    }
  for await (const page of there.runs(experiment.id))
    for (const run of await there.complete(page)) {
      const own = await ownRun(here, run)
      differ(report, { what: 'run', id: run.runId }, factsOfRun(run), own && factsOfRun(own))
      if (own === undefined) continue
      const [points, ownPoints] = [await pointsOf(there, run), await pointsOf(here, own)]
      for (const [key, digest] of points)
        differ(report, { what: 'metric', id: `${run.runId}/${key}` }, digest, ownPoints.get(key))
      const owner = { experimentId: experiment.id, kind: 'run', id: run.runId } as const
      await compareFiles({ there, here, report }, owner, {
        uri: run.artifactUri,
        own: own.artifactUri,
      })
    }
}

async function ownRun(here: MlflowSource, run: SourceRun): Promise<SourceRun | undefined> {
  try {
    return (await here.complete([run]))[0]
  } catch (error) {
    if (error instanceof Problem && error.code === 'not-found') return undefined
    throw error
  }
}

/** What of a run has to be alike; tags and params may be more here. */
function factsOfRun(run: SourceRun) {
  const { name, userId, status, startMs, endMs, lifecycle, params, datasets } = run
  const tags = run.tags.filter(({ key }) => key !== 'mlflow.runName')
  return {
    userId,
    status,
    startMs,
    endMs,
    lifecycle,
    params,
    tags,
    ...(name === '' ? {} : { name }),
    datasets: datasets
      .map((data) =>
        Object.assign({}, data, {
          schema: data.schema ?? '',
          profile: data.profile ?? '',
          tags: data.tags.toSorted(byKey),
        }),
      )
      .toSorted((a, b) => (a.name + a.digest < b.name + b.digest ? -1 : 1)),
    modelInputs: run.modelInputs.toSorted(),
    modelOutputs: run.modelOutputs.toSorted((a, b) => (a.modelId < b.modelId ? -1 : 1)),
  }
}

function factsOfModel(model: SourceLoggedModel) {
  const { name, status, modelType, sourceRunId, createdMs, params, tags, metrics } = model
  return {
    name,
    status,
    modelType,
    sourceRunId,
    createdMs,
    params,
    tags: tags.toSorted(byKey),
    metrics: metrics
      .map((each) =>
        JSON.stringify([
          each.key,
          kept(each.value),
          each.atMs,
          each.step,
          each.runId,
          each.dataset ?? null,
        ]),
      )
      .toSorted(),
  }
}

function byKey(a: { key: string }, b: { key: string }): number {
  return a.key < b.key ? -1 : 1
}

/** One digest for all points of each metric, whatever their order. */
async function pointsOf(source: MlflowSource, run: SourceRun): Promise<Map<string, string>> {
  const points = new Map<string, string[]>()
  for await (const { key, points: piece } of source.history(run, run.keys)) {
    const lines = points.get(key) ?? []
    for (const { atMs, step, value } of piece)
      if (Number.isSafeInteger(step)) lines.push(`${atMs} ${step} ${kept(value)}`)
    points.set(key, lines)
  }
  return new Map(
    [...points].map(([key, lines]) => [
      key,
      createHash('sha256').update(lines.toSorted().join('\n')).digest('hex'),
    ]),
  )
}

/** Infinity is kept as the largest number, and -0 is 0 to a database. */
function kept(value: number): string {
  if (value === Infinity) return String(Number.MAX_VALUE)
  return value === -Infinity ? String(-Number.MAX_VALUE) : String(value + 0)
}

async function compareFiles(
  { there, here, report }: Comparison,
  owner: Owner,
  { uri, own }: { uri: string; own: string },
): Promise<void> {
  const from = await there.artifacts(owner, uri)
  // What could not be read is told already.
  if (from.kind !== 'folder') return
  const to = await here.artifacts(owner, own)
  for await (const { path } of from.folder.files()) {
    const id = `${owner.id}/${path}`
    const digests = []
    for (const folder of [from.folder, to.kind === 'folder' ? to.folder : undefined]) {
      const hash = createHash('sha256')
      try {
        for await (const chunk of (await folder?.open(path)) ?? []) hash.update(chunk as Buffer)
        digests.push(hash.digest('hex'))
      } catch {
        digests.push('cannot be read')
      }
    }
    differ(report, { what: 'file', id }, digests[0], digests[1])
  }
}

async function compareRegistries(
  { there, here, report }: Comparison,
  wanted: Wanted,
): Promise<void> {
  if (wanted.experiments.length > 0 || wanted.sinceMs !== null) return
  const own = new Map<string, GivenModel>()
  for await (const model of here.registeredModels()) own.set(model.name, model)
  for await (const model of there.registeredModels()) {
    const mine = own.get(model.name)
    differ(
      report,
      { what: 'registered model', id: model.name },
      factsOfRegistered(model),
      mine && factsOfRegistered(mine),
    )
  }
}

function factsOfRegistered({ note, createdMs, tags, aliases, versions }: GivenModel) {
  return {
    note,
    createdMs,
    tags: tags.toSorted(byKey),
    aliases: aliases.toSorted((a, b) => (a.alias < b.alias ? -1 : 1)),
    versions: versions.map(({ location: _location, loggedModelId: _id, ...version }) => ({
      ...version,
      tags: version.tags.toSorted(byKey),
    })),
  }
}

function differ(
  report: Report,
  thing: { what: string; id: string },
  there: unknown,
  here: unknown,
): void {
  if (isDeepStrictEqual(there, here)) return
  const difference =
    here === undefined
      ? 'it is not here'
      : typeof there === 'object' && there !== null
        ? `${fieldsThatDiffer(there, here as object).join(', ')} ${fieldsThatDiffer(there, here as object).length === 1 ? 'differs' : 'differ'}`
        : 'its content differs'
  report.differences.push({ ...thing, difference })
}

function fieldsThatDiffer(a: object, b: object): string[] {
  return Object.entries(a)
    .filter(([field, value]) => !isDeepStrictEqual(value, (b as Record<string, unknown>)[field]))
    .map(([field]) => field)
}
