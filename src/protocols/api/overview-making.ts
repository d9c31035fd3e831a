import type { Entry } from '#ledger'
import { firstBy, integerIn, numbersIn, textIn, writtenAt, type Newest } from './overview-facts.ts'
import type { DatasetWire, OverviewWire, PipelineRunWire, StageWire } from './overview-wire.ts'

const DATASETS_MAX = 6
const VERSIONS_LOOKED_AT = 200
const VERSIONS_BEFORE_MAX = 5
const PIPELINE_RUNS_MAX = 12
const STAGE_FACTS_LOOKED_AT = 100

/** The first half of the loop, in which things are made: projects, data, pipelines, runs. */
export async function makingFrom(
  newest: Newest,
): Promise<Pick<OverviewWire, 'projects' | 'datasets' | 'pipelineRuns' | 'run'>> {
  const [projects, datasets, pipelineRuns, run] = await Promise.all([
    projectsFrom(newest),
    datasetsFrom(newest),
    pipelineRunsFrom(newest),
    lastRunFrom(newest),
  ])
  return { projects, datasets, pipelineRuns, run }
}

async function projectsFrom(newest: Newest): Promise<OverviewWire['projects']> {
  const [added, synced] = await Promise.all([
    newest('project-added', 20),
    newest('project-synced', 50),
  ])
  const seen = firstBy([...synced, ...added], (entry) => textIn(entry, 'project') ?? '')
  return [...seen].map(([project, entry]) => ({
    project,
    commit: textIn(entry, 'commit'),
    synced: writtenAt(entry),
    position: entry.position,
  }))
}

async function datasetsFrom(newest: Newest): Promise<DatasetWire[]> {
  const added = await newest('dataset-version-added', VERSIONS_LOOKED_AT)
  const newestOfEach = [...firstBy(added, datasetIn)].slice(0, DATASETS_MAX)
  return newestOfEach.map(([key, entry]) =>
    datasetOf(
      entry,
      added.filter((each) => datasetIn(each) === key),
    ),
  )
}

function datasetOf(newest: Entry, versions: readonly Entry[]): DatasetWire {
  return {
    project: textIn(newest, 'project') ?? '',
    path: textIn(newest, 'path') ?? '',
    version: textIn(newest, 'md5') ?? '',
    sizeBytes: integerIn(newest, 'sizeBytes'),
    files: integerIn(newest, 'files'),
    added: writtenAt(newest),
    versions: versions.length,
    before: versions.slice(1, 1 + VERSIONS_BEFORE_MAX).map((entry) => ({
      version: textIn(entry, 'md5') ?? '',
      added: writtenAt(entry),
      sizeBytes: integerIn(entry, 'sizeBytes'),
    })),
    position: newest.position,
  }
}

function datasetIn(entry: Entry): string {
  return `${textIn(entry, 'project')}/${textIn(entry, 'path')}`
}

async function pipelineRunsFrom(newest: Newest): Promise<PipelineRunWire[]> {
  const [started, finished] = await Promise.all([
    newest('pipeline-run-started', PIPELINE_RUNS_MAX),
    newest('pipeline-run-finished', PIPELINE_RUNS_MAX),
  ])
  const ends = firstBy(finished, (entry) => textIn(entry, 'pipelineRun') ?? '')
  const runs = started.map((entry) =>
    pipelineRunOf(entry, ends.get(textIn(entry, 'pipelineRun') ?? '')),
  )
  const [newestStart] = started
  const [newestRun] = runs
  if (newestStart === undefined || newestRun === undefined) return runs
  return [{ ...newestRun, stages: await stagesFrom(newest, newestStart) }, ...runs.slice(1)]
}

function pipelineRunOf(started: Entry, finished: Entry | undefined): PipelineRunWire {
  return {
    pipelineRun: textIn(started, 'pipelineRun') ?? '',
    project: textIn(started, 'project'),
    commit: textIn(started, 'commit'),
    branch: textIn(started, 'branch'),
    state: finished === undefined ? 'running' : endState(finished),
    reason: finished === undefined ? null : textIn(finished, 'reason'),
    started: writtenAt(started),
    ended: finished === undefined ? null : writtenAt(finished),
    stages: [],
    position: started.position,
  }
}

function endState(entry: Entry): 'succeeded' | 'failed' | 'killed' {
  const outcome = textIn(entry, 'outcome')
  return outcome === 'succeeded' || outcome === 'killed' ? outcome : 'failed'
}

async function stagesFrom(newest: Newest, pipelineRun: Entry): Promise<StageWire[]> {
  const id = textIn(pipelineRun, 'pipelineRun')
  const ofThisRun = async (type: string) =>
    (await newest(type, STAGE_FACTS_LOOKED_AT)).filter(
      (entry) => textIn(entry, 'pipelineRun') === id,
    )
  const [starts, ends, skips] = await Promise.all([
    ofThisRun('stage-run-started'),
    ofThisRun('stage-run-finished'),
    ofThisRun('stage-skipped'),
  ])
  const started = firstBy(starts, stageIn)
  const finished = firstBy(ends, stageIn)
  const skipped = firstBy(skips, stageIn)
  const told = [...skips, ...starts].toSorted((a, b) => a.position - b.position).map(stageIn)
  const names = new Set([...stageNames(pipelineRun), ...told])
  return [...names].map((stage) =>
    stageOf(stage, started.get(stage), finished.get(stage), skipped.get(stage)),
  )
}

function stageIn(entry: Entry): string {
  return textIn(entry, 'stage') ?? ''
}

function stageNames(pipelineRun: Entry): string[] {
  const { stages } = pipelineRun.data
  if (!Array.isArray(stages)) return []
  return stages.flatMap((stage: unknown) => {
    if (typeof stage === 'string') return [stage]
    const { name } = (stage ?? {}) as { name?: unknown }
    return typeof name === 'string' ? [name] : []
  })
}

function stageOf(
  stage: string,
  started: Entry | undefined,
  finished: Entry | undefined,
  skipped: Entry | undefined,
): StageWire {
  const telling = finished ?? skipped ?? started
  return {
    stage,
    state: stageState(started, finished, skipped),
    reason: telling === undefined ? null : textIn(telling, 'reason'),
    run: telling === undefined ? null : textIn(telling, 'run'),
    started: started === undefined ? null : writtenAt(started),
    ended: finished === undefined ? null : writtenAt(finished),
    metrics: finished === undefined ? {} : numbersIn(finished, 'metrics'),
  }
}

function stageState(
  started: Entry | undefined,
  finished: Entry | undefined,
  skipped: Entry | undefined,
): StageWire['state'] {
  if (finished !== undefined) return endState(finished)
  if (skipped !== undefined) return 'skipped'
  return started === undefined ? 'waiting' : 'running'
}

async function lastRunFrom(newest: Newest): Promise<OverviewWire['run']> {
  const [ended] = await newest('run-ended', 1)
  if (ended === undefined) return null
  return {
    run: textIn(ended, 'run') ?? '',
    status: textIn(ended, 'status') ?? '',
    ended: writtenAt(ended),
    metrics: numbersIn(ended, 'metrics'),
    position: ended.position,
  }
}
