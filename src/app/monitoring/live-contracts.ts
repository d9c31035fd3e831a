import { extname } from 'node:path'
import { messageOf, Problem } from '#base/problem'
import { systemClock } from '#base/clock'
import { validate, type Dataset } from '#contracts'
import { overlaps } from '#data'
import type { DataFile } from '#drift'
import {
  liveRules,
  type KnownContract,
  type LiveContracts,
  type TrainedOn,
  type TrainingData,
} from '#monitoring'
import type { PipelineReads, StageRun } from '#pipelines'
import type { Project, Projects } from '#projects'
import type { Registry } from '#registry'
import type { Endpoint } from '#serving'
import { openContractEngine } from '#stores/analytics/duckdb/contracts/index'
import { checkRows } from '#stores/analytics/duckdb/contracts/live'
import type { Table } from '#tables'
import type { LocalClones } from '../data/clones.ts'
import { git } from '../data/git.ts'
import { CONTRACT, contractIn, type ContractFile } from '../project/contract-files.ts'

interface Sources {
  readonly endpoints: () => Promise<readonly Endpoint[]>
  readonly projects: Projects
  readonly clones: Pick<LocalClones, 'mirrorOf'>
  readonly pipelines: Pick<PipelineReads, 'stageOf' | 'find' | 'stages'>
  readonly registry: Registry
  readonly trainingData: TrainingData
  readonly columnNames: (file: DataFile) => Promise<string[]>
  readonly spillFolder: string
}

/** Contracts found are kept, for what they are found by says all: the project's commit, and the version. */
const KEPT_MAX = 200

/** Finds contracts in the newest commits of projects: a promise that is mended holds from then on. */
export function liveContracts(sources: Sources): LiveContracts {
  const kept = new Map<string, Promise<KnownContract>>()
  return {
    check: checkRows,
    find: async ({ endpoint, modelVersion, named }) => {
      const at = await originOf(sources, { endpoint, modelVersion, named })
      if ('state' in at) return at
      const key = JSON.stringify([at.project.name, at.project.commit, modelVersion, named])
      const found = kept.get(key) ?? contractOf(sources, at, { modelVersion, named })
      kept.set(key, found)
      for (const oldest of kept.keys()) if (kept.size > KEPT_MAX) kept.delete(oldest)
      // What could not be found may be there later.
      found.then(
        ({ state }) => state === 'unknown' && kept.delete(key),
        () => kept.delete(key),
      )
      return found
    },
  }
}

interface Origin {
  readonly project: Project
  /** The stage that made the version; undefined where no pipeline did. */
  readonly stage: StageRun | undefined
}

async function originOf(
  { endpoints, projects, pipelines, registry }: Sources,
  of: { endpoint: string; modelVersion: string; named: string | undefined },
): Promise<Origin | Exclude<KnownContract, { state: 'known' }>> {
  const { model, version } = versionIn(of.modelVersion)
  const isKnown = Number.isInteger(version) && (await registry.models.find(model)) !== undefined
  const runId = isKnown ? (await registry.versions.get(model, version)).runId : null
  const stage = runId === null ? undefined : await pipelines.stageOf(runId)
  if (of.named !== undefined) {
    const own = (await endpoints()).find(({ name }) => name === of.endpoint)?.project ?? ''
    if (own !== '') return { project: await projects.get(own), stage }
    const reason = `the endpoint belongs to no project in which ${of.named} could be; declare it in an orrery.yaml`
    return { state: 'unknown', reason }
  }
  const { project } = stage === undefined ? {} : ((await pipelines.find(stage.pipelineRun)) ?? {})
  if (project === undefined) return { state: 'none' }
  try {
    return { project: await projects.get(project), stage }
  } catch (error) {
    // A run may tell of a project that nobody registered here.
    if (error instanceof Problem && error.code === 'not-found') return { state: 'none' }
    throw error
  }
}

async function contractOf(
  sources: Sources,
  origin: Origin,
  { modelVersion, named }: { modelVersion: string; named: string | undefined },
): Promise<KnownContract> {
  try {
    const found =
      named === undefined
        ? await promisedOf(sources, origin)
        : await namedIn(sources, origin.project, named)
    if (found === undefined) return { state: 'none' }
    return { state: 'known', ...found, unkept: await unkeptBy(sources, found, modelVersion) }
  } catch (error) {
    if (isLasting(error)) return { state: 'unknown', reason: messageOf(error) }
    throw error
  }
}

interface Promised {
  readonly file: string
  readonly dataset: Dataset
}

/** The contract of what the training read; else of what that was made of, stage by stage, the nearest first. */
async function promisedOf(
  { clones, pipelines }: Sources,
  { project, stage }: Origin,
): Promise<Promised | undefined> {
  if (stage === undefined) return undefined
  const all = await contractsIn(clones.mirrorOf(project.origin), project)
  if (all.length === 0) return undefined
  const stages = await pipelines.stages(stage.pipelineRun)
  const seen = new Set<string>()
  let paths = stage.deps.map(({ path }) => path)
  while (paths.length > 0) {
    const found = all.flatMap(({ file, contract }) =>
      contract.datasets
        .filter(({ path }) => path !== undefined && paths.some((each) => overlaps(each, path)))
        .map((dataset) => ({ file, dataset })),
    )
    if (found.length > 0) return together(found)
    for (const path of paths) seen.add(path)
    const makers = stages.filter(({ outs }) =>
      outs.some((out) => paths.some((path) => overlaps(path, out.path))),
    )
    const deps = makers.flatMap((each) => each.deps.map(({ path }) => path))
    paths = [...new Set(deps)].filter((path) => !seen.has(path))
  }
  return undefined
}

/** Data that is read from several places has what all of them promise. */
function together(found: readonly Promised[]): Promised {
  const datasets = found.map(({ dataset }) => dataset)
  return {
    file: [...new Set(found.map(({ file }) => file))].join(', '),
    dataset: {
      name: [...new Set(datasets.map(({ name }) => name))].join(' + '),
      path: undefined,
      columns: datasets.flatMap(({ columns }) => columns),
      rules: datasets.flatMap(({ rules }) => rules),
    },
  }
}

/** All contracts of a project's newest commit, which nobody checks out. */
async function contractsIn(mirror: string, { commit, config }: Project): Promise<ContractFile[]> {
  const placed = config.contracts ?? {}
  const listed = await filesIn(mirror, commit)
  const usual = listed.filter(
    (path) => CONTRACT.test(path) && (!path.includes('/') || /^contracts\/[^/]+$/.test(path)),
  )
  const named = Object.values(placed).map((value) => plain(value.split('#')[0] ?? ''))
  const found: ContractFile[] = []
  for (const file of [...new Set([...usual, ...named])].toSorted())
    found.push(contractIn(file, await textOf(mirror, { commit, file, listed }), placed))
  return found
}

async function namedIn(
  { clones }: Sources,
  { origin, commit, config }: Project,
  named: string,
): Promise<Promised> {
  const mirror = clones.mirrorOf(origin)
  const [path = '', object] = named.split('#')
  const file = plain(path)
  const text = await textOf(mirror, { commit, file, listed: await filesIn(mirror, commit) })
  const { datasets } = contractIn(file, text, config.contracts ?? {}).contract
  const dataset =
    object === undefined && datasets.length === 1
      ? datasets[0]
      : datasets.find(({ name }) => name === object)
  if (dataset !== undefined) return { file, dataset }
  const names = datasets.map(({ name }) => name).join(', ')
  throw new Problem('invalid', `write contract: ${file}#NAME with one of ${names}`)
}

async function filesIn(mirror: string, commit: string): Promise<string[]> {
  const listed = await git(mirror, ['ls-tree', '-r', '-z', '--name-only', commit])
  return listed.split('\0').filter(Boolean)
}

/** Only what the commit holds is read: no path leads out of it. */
async function textOf(
  mirror: string,
  { commit, file, listed }: { commit: string; file: string; listed: readonly string[] },
): Promise<string> {
  if (listed.includes(file)) return git(mirror, ['show', `${commit}:${file}`])
  throw new Problem(
    'not-found',
    `there is no contract ${file} at ${commit.slice(0, 12)}; commit it, and push`,
  )
}

function plain(path: string): string {
  return path.replace(/^\.\//, '')
}

/** Rules that the training data itself does not keep: what a stage makes of data may have lost what was promised of it. */
async function unkeptBy(
  { trainingData, columnNames, spillFolder }: Sources,
  { file, dataset }: Promised,
  modelVersion: string,
): Promise<Readonly<Record<string, string>>> {
  const { model, version } = versionIn(modelVersion)
  const trained = await trainingData.find(model, version).catch(asUnknown)
  if (trained.state === 'unknown' || trained.inputs.length === 0) return {}
  const files: DataFile[] = []
  for (const each of trained.files) {
    const columns = new Set(await columnNames(each))
    if (trained.inputs.every((input) => columns.has(input))) files.push(each)
  }
  const [first] = files
  if (first === undefined) return {}
  const { rules } = liveRules(
    { state: 'known', file, dataset, unkept: {} },
    new Set(trained.inputs),
  )
  const same = files.filter(({ name }) => formatOf(name) === formatOf(first.name))
  const report = await validate(
    {
      engine: openContractEngine({ memoryMb: 512, threads: 1, spillFolder }),
      tableAt: async () => tableOf(same, formatOf(first.name)),
      clock: systemClock,
    },
    { id: '', name: '', version: '', datasets: [{ ...dataset, rules }] },
    { file, paths: new Map([[dataset.name, '']]), examples: 0 },
  )
  const failed = report.datasets.flatMap(({ checks }) =>
    checks.filter(({ outcome }) => outcome === 'failed'),
  )
  return Object.fromEntries(failed.map(({ id, message }) => [id, message]))
}

/** Promises hold without their training data, too; what may be over in a while is thrown. */
function asUnknown(error: unknown): TrainedOn {
  if (isLasting(error)) return { state: 'unknown', reason: messageOf(error) }
  throw error
}

function isLasting(error: unknown): boolean {
  return error instanceof Problem && error.code !== 'unavailable' && error.code !== 'timeout'
}

function tableOf(files: readonly DataFile[], format: Table['format']): Table {
  return {
    name: 'the training data',
    format,
    files: files.map((each) => ({ ...each, values: [], deletedRows: undefined })),
    packing: 'none',
    partitions: [],
    columns: undefined,
    digest: undefined,
    sizeBytes: 0,
  }
}

function formatOf(name: string): Table['format'] {
  const extension = extname(name).toLowerCase()
  if (extension === '.parquet') return 'parquet'
  return extension === '.csv' ? 'csv' : 'json'
}

/** `flights-late/3` in its parts. */
function versionIn(name: string): { model: string; version: number } {
  const slash = name.lastIndexOf('/')
  return { model: name.slice(0, slash), version: Number(name.slice(slash + 1)) }
}
