import { keyOf, type OutsideReads } from '#elsewhere'
import type { Entry } from '#ledger'
import type { Walk } from '#lineage'
import { stepChanges, type StepRun } from '#monitoring'
import type { DataVersion, PipelineReads, PipelineRun, StageRun } from '#pipelines'
import type { TrackingReads } from '#tracking'

/** Entries that tell how a step ended that makes data; only what `upstreamOf` says of them is told. */
export const STEPS: ReadonlySet<string> = new Set([
  'external-run-finished',
  'stage-run-finished',
  'stage-skipped',
])

export interface UpstreamReads {
  readonly pipelines: PipelineReads
  readonly tracking: TrackingReads
  readonly outside: OutsideReads
}

/** What an entry says of a step upstream. */
export interface Step {
  readonly step: string
  readonly detail: string
}

export interface Upstream {
  /** Undefined for what is no step upstream, and for one that did the same as the time before. */
  told(entry: Entry): Promise<Step | undefined>
}

/** Runs of a project that are looked through for the time before. */
const EARLIER_MAX = 20

/**
 * The steps that made the data that a version was trained on, by what lineage knows of it: stages of pipelines, and jobs
 * of other systems. What they do anew is in no lineage of that version, and can still be why its inputs have changed.
 */
export async function upstreamOf(
  walk: Pick<Walk, 'edges'>,
  { pipelines, tracking, outside }: UpstreamReads,
): Promise<Upstream> {
  const origins = new Map<string, StageRun>()
  const jobs = new Set<string>()
  const makers = walk.edges.filter(
    ({ from, relation }) => relation === 'made-by' && from.kind.startsWith('dataset'),
  )
  for (const { to } of makers) {
    if (to.kind === 'external-run') {
      const run = await outside.run(to.id)
      if (run !== undefined) jobs.add(keyOf(run.job))
    } else {
      const stage = await pipelines.stageOf(to.id)
      const run = stage === undefined ? undefined : await pipelines.find(stage.pipelineRun)
      if (stage !== undefined && run !== undefined) origins.set(keyOfStage(run, stage), stage)
    }
  }
  const stepRun = stepRuns(tracking)

  const stageTold = async ({ data }: Entry): Promise<Step | undefined> => {
    const { pipelineRun, stage: name } = data as { pipelineRun: string; stage: string }
    const run = await pipelines.find(pipelineRun)
    const origin = run === undefined ? undefined : origins.get(keyOfStage(run, { stage: name }))
    if (run === undefined || origin === undefined) return undefined
    const now = (await pipelines.stages(run.id)).find(({ stage }) => stage === name)
    if (now === undefined || now.state === 'up-to-date') return undefined
    const before = (await earlier(pipelines, run, name)) ?? origin
    const past = before.pipelineRun === run.id ? undefined : await stepRun(before)
    const changes = stepChanges(await stepRun(now), past)
    if (changes.length === 0) return undefined
    const step = `stage ${name} of ${run.project}`
    return { step, detail: `upstream ${step}: ${changes.join('; ')}` }
  }

  const jobTold = ({ data }: Entry): Step | undefined => {
    const job = data['job'] as { namespace: string; name: string }
    const { outcome, error } = data as { outcome: string; error: string | null }
    if (!jobs.has(keyOf(job))) return undefined
    const step = `job ${job.name} of ${job.namespace}`
    const why = error === null ? '' : `: ${error}`
    return { step, detail: `upstream ${step}: its run ${outcome}${why}` }
  }

  return {
    told: async (entry) =>
      entry.type === 'external-run-finished' ? jobTold(entry) : stageTold(entry),
  }
}

function keyOfStage({ project }: Pick<PipelineRun, 'project'>, { stage }: Pick<StageRun, 'stage'>) {
  return `${project}\n${stage}`
}

/** The run of a stage before this one, of those that did something. */
async function earlier(
  pipelines: PipelineReads,
  { id, project }: PipelineRun,
  name: string,
): Promise<StageRun | undefined> {
  for (const run of await pipelines.list({ project, before: id, limit: EARLIER_MAX })) {
    const found = (await pipelines.stages(run.id)).find(({ stage }) => stage === name)
    if (found?.state === 'succeeded' || found?.state === 'restored') return found
  }
  return undefined
}

/** Reads what a stage did, with its command and parameters, which its run has. */
function stepRuns(tracking: TrackingReads): (stage: StageRun) => Promise<StepRun> {
  return async ({ state, reason, run, deps, outs, environment }) => {
    const [record] = run === null ? [] : await tracking.runRecords([run])
    const command = record?.tags.find(({ key }) => key === 'mlflow.source.name')?.value ?? null
    const params = (record?.params ?? [])
      .filter(({ key }) => key.startsWith('dvc.'))
      .map(({ key, value }) => [key.slice('dvc.'.length), value] as const)
    const about = { state, reason, command, environment, params: Object.fromEntries(params) }
    return { ...about, reads: digestsOf(deps), writes: digestsOf(outs) }
  }
}

function digestsOf(data: readonly DataVersion[]): Record<string, string> {
  return Object.fromEntries(data.map(({ path, md5 }) => [path, md5]))
}
