import { Problem } from '#base/problem'
import type { LedgerReads } from '#ledger'
import type { PipelineReads } from '#pipelines'
import { datasetVersionRef } from '#projects'
import type { KeyValue, Tracking } from '#tracking'
import type { Dataset } from './dataset.ts'

/** A run that read or made a version of a dataset. */
export interface DatasetRun {
  /** The ledger entry that tells it. */
  readonly position: number
  readonly relation: 'read' | 'made'
  readonly md5: string
  readonly run: string
  /** Null for a run that was no stage of a pipeline. */
  readonly stage: string | null
  readonly pipelineRun: string | null
  readonly state: string | null
  readonly reason: string | null
  readonly startedMs: number | null
  /** What contracts said of the data of the stage before it ran; null where none was about it. */
  readonly checks: RunChecks | null
}

export interface RunChecks {
  readonly outcome: 'passed' | 'warned' | 'failed' | 'skipped'
  readonly contracts: readonly {
    readonly contract: string
    readonly digest: string
    readonly outcome: 'passed' | 'warned' | 'failed'
  }[]
}

export interface RunsDependencies {
  readonly ledger: Pick<LedgerReads, 'edgesFrom' | 'edgesTo'>
  readonly pipelines: Pick<PipelineReads, 'stageOf'>
  readonly tracking: Pick<Tracking, 'getRun'>
  /** By the path of data, the file of its contract, as the project says. */
  readonly contractsOf: (project: string) => Promise<Readonly<Record<string, string>>>
}

/** Of a dataset with more versions, the runs of so many of the newest are looked at. */
const VERSIONS_LOOKED_AT = 100

/** What read or made a dataset, the newest first. */
export async function runsOf(
  dependencies: RunsDependencies,
  dataset: Dataset,
  page: { version?: string; before?: number; limit: number },
): Promise<{ runs: DatasetRun[]; next: number | null }> {
  const all = [...new Set(dataset.versions.map(({ md5 }) => md5))]
  const versions = page.version === undefined ? all.slice(0, VERSIONS_LOOKED_AT) : [page.version]
  const uses = await Promise.all(versions.map((md5) => usesOf(dependencies, dataset, md5)))
  const { before = Number.MAX_SAFE_INTEGER, limit } = page
  const found = uses
    .flat()
    .filter(({ position }) => position < before)
    .toSorted((one, other) => other.position - one.position)
  const shown = found.slice(0, limit)
  const placed = await dependencies.contractsOf(dataset.project)
  const runs = await Promise.all(
    shown.map((use) => described(dependencies, use, (file) => isAbout(file, dataset.path, placed))),
  )
  return { runs, next: found.length > limit ? (shown.at(-1)?.position ?? null) : null }
}

type Use = Pick<DatasetRun, 'position' | 'relation' | 'md5' | 'run'>

async function usesOf(
  { ledger }: RunsDependencies,
  { project, path }: Dataset,
  md5: string,
): Promise<Use[]> {
  const ref = datasetVersionRef({ project, path, md5 })
  const [to, from] = await Promise.all([ledger.edgesTo(ref), ledger.edgesFrom(ref)])
  const read = to.filter((edge) => edge.from.kind === 'run' && edge.relation === 'read')
  const made = from.filter((edge) => edge.to.kind === 'run' && edge.relation === 'made-by')
  return [
    ...read.map(({ position, from: { id: run } }): Use => {
      return { position, relation: 'read', md5, run }
    }),
    ...made.map(({ position, to: { id: run } }): Use => ({ position, relation: 'made', md5, run })),
  ]
}

async function described(
  { pipelines, tracking }: RunsDependencies,
  use: Use,
  isMeant: (contract: string) => boolean,
): Promise<DatasetRun> {
  const [stage, tags] = await Promise.all([pipelines.stageOf(use.run), tagsOf(tracking, use.run)])
  return {
    ...use,
    stage: stage?.stage ?? null,
    pipelineRun: stage?.pipelineRun ?? null,
    state: stage?.state ?? null,
    reason: stage?.reason ?? null,
    startedMs: stage?.startedMs ?? null,
    checks: use.relation === 'read' ? checksIn(tags, isMeant) : null,
  }
}

/** None of a run that was purged. */
async function tagsOf(
  tracking: RunsDependencies['tracking'],
  run: string,
): Promise<readonly KeyValue[]> {
  try {
    return (await tracking.getRun(run)).tags
  } catch (error) {
    if (error instanceof Problem && error.code === 'not-found') return []
    throw error
  }
}

const OUTCOMES = ['failed', 'warned', 'passed'] as const

function checksIn(
  tags: readonly KeyValue[],
  isMeant: (contract: string) => boolean,
): RunChecks | null {
  const valueOf = (key: string) => tags.find((tag) => tag.key === key)?.value
  const said = valueOf('orrery.validation')
  if (said === undefined) return null
  if (said === 'skipped') return { outcome: 'skipped', contracts: [] }
  const contracts = contractsIn(valueOf('orrery.contracts')).filter(({ contract }) =>
    isMeant(contract),
  )
  // A stage reads other data too: what their contracts say is not about this one.
  const worst = OUTCOMES.find((outcome) => contracts.some((each) => each.outcome === outcome))
  return worst === undefined ? null : { outcome: worst, contracts }
}

/** Anybody may set a tag, and a long one was cut: what is no list of verdicts is none. */
function contractsIn(text: string | undefined): RunChecks['contracts'] {
  try {
    const found: unknown = JSON.parse(text ?? '[]')
    return Array.isArray(found) ? found.filter(isVerdict) : []
  } catch {
    return []
  }
}

function isVerdict(value: unknown): value is RunChecks['contracts'][number] {
  if (typeof value !== 'object' || value === null) return false
  const { contract, digest, outcome } = value as Record<string, unknown>
  const isOutcome = OUTCOMES.some((each) => each === outcome)
  return typeof contract === 'string' && typeof digest === 'string' && isOutcome
}

/** Whether a contract is about data at a path; one that the project places nowhere may be about any. */
function isAbout(file: string, path: string, placed: Readonly<Record<string, string>>): boolean {
  const places = Object.entries(placed)
    .filter(([, named]) => named.split('#')[0]?.replace(/^\.\//, '') === file)
    .map(([place]) => place.replace(/\/$/, ''))
  if (places.length === 0) return true
  return places.some(
    (place) => place === path || place.startsWith(`${path}/`) || path.startsWith(`${place}/`),
  )
}
