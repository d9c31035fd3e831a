import { sha256 } from '#base/digest'
import type { Json } from '#base/json'
import type { Edge, Fact, Ref } from '#ledger'
import { commitRef, datasetVersionRef } from '#projects'
import type { TestCase } from '#stages'
import { runRef } from '#tracking'
import { sightFact, type StageSight } from './stage-sight.ts'

/** Content that a stage read or made, by its path in the project and DVC's hash. */
export interface DataVersion {
  readonly path: string
  readonly md5: string
  readonly sizeBytes: number
  readonly files?: number
}

/** What a stage ran in; the digest is that of the lock's text. */
export interface Environment {
  readonly digest: string
  readonly lock: string
  readonly python: string
  readonly os: string
  readonly cpu: string
  readonly name?: string
  readonly kind?: string
  readonly source?: string
  readonly key?: string
  readonly cpus?: number
  readonly cpuFlags?: readonly string[]
  readonly glibc?: string
  readonly blas?: string
}

/** Variables that were held still so that the same inputs give the same bytes, and which of them its runner had set. */
export interface Pinned {
  readonly variables: Readonly<Record<string, string>>
  readonly own: readonly string[]
}

export type PipelineState = 'running' | 'succeeded' | 'failed' | 'killed'

/** One execution of a pipeline, as the server remembers it. */
export interface PipelineRun {
  readonly id: string
  readonly project: string
  readonly commit: string | null
  readonly dirty: boolean
  readonly branch: string | null
  readonly stages: readonly string[]
  /** The policy run that set it in motion, if one did. */
  readonly cause: string | null
  readonly state: PipelineState
  readonly reason: string | null
  readonly lockDigest: string | null
  readonly startedMs: number
  readonly endedMs: number | null
}

export interface StageStart {
  readonly stage: string
  readonly command: string | readonly string[]
  readonly params: Readonly<Record<string, Json>>
  readonly deps: readonly DataVersion[]
  readonly environment: Environment | null
  /** Why it runs, one reason after the other; left out by those who cannot tell. */
  readonly why?: readonly string[]
  /** Name of the experiment that it is part of. */
  readonly experiment?: string
  /** What contracts said of the data before it ran; left out where there are none. */
  readonly checks?: DataChecks
  /** Left out by those who do not pin. */
  readonly pinned?: Pinned
}

export interface DataChecks {
  readonly outcome: 'passed' | 'warned' | 'failed' | 'skipped'
  readonly verdicts: readonly {
    readonly contract: string
    readonly digest: string
    readonly outcome: 'passed' | 'warned' | 'failed'
    readonly reason: string | null
  }[]
}

export interface StageEnd {
  readonly outcome: 'succeeded' | 'failed' | 'killed'
  readonly reason: string | null
  readonly outs: readonly DataVersion[]
  readonly metrics: Readonly<Record<string, number>>
  readonly logTail: string
  /** Tests that the stage ran, by its report; left out where it writes none. */
  readonly tests?: readonly TestCase[]
  /** Whether it kept to what it declares; left out where nobody wanted to know. */
  readonly sight?: StageSight
}

/** One stage of a pipeline run; it is an MLflow run, by the same id. */
export interface StageRun {
  readonly pipelineRun: string
  readonly stage: string
  /** Null for a stage that was skipped: nothing ran. */
  readonly run: string | null
  readonly state: 'running' | 'succeeded' | 'failed' | 'killed' | 'up-to-date' | 'restored'
  readonly reason: string | null
  readonly deps: readonly DataVersion[]
  readonly outs: readonly DataVersion[]
  readonly environment: string | null
  readonly startedMs: number
  readonly endedMs: number | null
  /** What the tests that it ran came to; left out where it reports none. */
  readonly tests?: TestCounts
}

/** How many tests a stage ran, and how they went. */
export interface TestCounts {
  readonly total: number
  readonly passed: number
  readonly failed: number
  readonly errors: number
  readonly skipped: number
  readonly seconds: number
}

/** The run of a stage has one id however often its start is told: a retry is not a second run. */
export function stageRunId(pipelineRun: string, stage: string): string {
  return sha256(`${pipelineRun}\n${stage}`).slice(0, 32)
}

export function pipelineRunRef(id: string): Ref {
  return { kind: 'pipeline-run', id }
}

export function pipelineRunStarted(run: PipelineRun): Fact {
  const from = pipelineRunRef(run.id)
  return {
    type: 'pipeline-run-started',
    data: {
      pipelineRun: run.id,
      project: run.project,
      commit: run.commit,
      dirty: run.dirty,
      branch: run.branch,
      stages: inParts(run.stages)[0] ?? [],
      stageCount: run.stages.length,
      cause: run.cause,
    },
    edges: [
      ...(run.commit === null ? [] : [{ from, relation: 'at', to: commitRef(run.commit) }]),
      ...(run.cause === null
        ? []
        : [{ from, relation: 'started-by', to: { kind: 'policy-run' as const, id: run.cause } }]),
    ],
  }
}

export function pipelineRunFinished(run: PipelineRun): Fact {
  return {
    type: 'pipeline-run-finished',
    data: {
      pipelineRun: run.id,
      project: run.project,
      outcome: run.state,
      reason: shortReason(run.reason),
      lockDigest: run.lockDigest,
      seconds: ((run.endedMs ?? run.startedMs) - run.startedMs) / 1000,
    },
  }
}

/** The facts that a stage began and what it read; `made` is what earlier stages of the pipeline run gave, so that a file read from a folder leads to the folder. */
export function stageRunStarted(
  run: PipelineRun,
  start: StageStart,
  { runId, made }: { runId: string; made: readonly DataVersion[] },
): Fact[] {
  const from = runRef(runId)
  const edges: Edge[] = [{ from, relation: 'stage-of', to: pipelineRunRef(run.id) }]
  if (start.environment !== null)
    edges.push({
      from,
      relation: 'ran-in',
      to: { kind: 'environment', id: start.environment.digest },
    })
  if (run.commit !== null) edges.push({ from, relation: 'at', to: commitRef(run.commit) })
  const about = { pipelineRun: run.id, stage: start.stage, run: runId }
  const environment = start.environment?.digest ?? null
  const python = start.environment?.python ?? null
  const { pinned } = start
  const [deps = [], ...more] = inParts(start.deps)
  const read = (part: readonly DataVersion[]) =>
    part.flatMap((dep) => edgesOfDep(run, dep, { from, made }))
  return [
    {
      type: 'stage-run-started',
      data: {
        ...about,
        deps: deps.map(brief),
        environment,
        python,
        ...(pinned === undefined ? {} : { pinned: { ...pinned.variables }, own: [...pinned.own] }),
      },
      edges: [...edges, ...read(deps)],
    },
    ...more.map((part) => ({
      type: 'stage-inputs-recorded',
      data: { ...about, deps: part.map(brief) },
      edges: read(part),
    })),
  ]
}

function edgesOfDep(
  run: PipelineRun,
  dep: DataVersion,
  { from, made }: { from: Ref; made: readonly DataVersion[] },
): Edge[] {
  const to = dataRef(run, dep)
  const folders = made.filter(({ path }) => dep.path.startsWith(`${path}/`))
  return [
    { from, relation: 'read', to },
    ...folders.map((out) => ({ from: to, relation: 'part-of', to: dataRef(run, out) })),
  ]
}

/** The facts that a stage ended and what it made. Its run has all the metrics; an entry of the ledger has room for some. */
export function stageRunFinished(
  run: PipelineRun,
  stage: string,
  runId: string,
  end: StageEnd,
): Fact[] {
  const about = { pipelineRun: run.id, stage, run: runId }
  const [outs = [], ...more] = inParts(end.outs)
  const made = (part: readonly DataVersion[]) =>
    part.map((out) => ({ from: dataRef(run, out), relation: 'made-by', to: runRef(runId) }))
  const metrics = Object.entries(end.metrics).slice(0, METRICS_TOLD_MAX)
  return [
    {
      type: 'stage-run-finished',
      data: {
        ...about,
        outcome: end.outcome,
        reason: shortReason(end.reason),
        outs: outs.map(brief),
        metrics: Object.fromEntries(metrics),
        ...(end.sight === undefined ? {} : { sight: sightFact(end.sight) }),
      },
      edges: made(outs),
    },
    ...more.map((part) => ({
      type: 'stage-outputs-recorded',
      data: { ...about, outs: part.map(brief) },
      edges: made(part),
    })),
  ]
}

export function stageSkipped(
  run: PipelineRun,
  skip: { stage: string; why: string; reason: string; outs: readonly DataVersion[] },
): Fact {
  return {
    type: 'stage-skipped',
    data: {
      pipelineRun: run.id,
      stage: skip.stage,
      why: skip.why,
      reason: shortReason(skip.reason),
      outs: (inParts(skip.outs)[0] ?? []).map(brief),
    },
  }
}

function dataRef(run: PipelineRun, data: DataVersion): Ref {
  return datasetVersionRef({ project: run.project, path: data.path, md5: data.md5 })
}

function brief(data: DataVersion): Json {
  return { path: data.path, md5: data.md5 }
}

/** Of 64 KB that an entry of the ledger may have; its data names each item, and its edges do twice. */
const PART_BYTES_MAX = 10_000
const REASON_CHARS_MAX = 2000
const METRICS_TOLD_MAX = 50

/** Items in as many parts as it takes for each to have room in one entry. */
function inParts<Item>(items: readonly Item[]): Item[][] {
  const parts: Item[][] = []
  let room = 0
  for (const item of items) {
    const bytes = Buffer.byteLength(JSON.stringify(item)) + ITEM_BYTES
    if (bytes > room) {
      parts.push([])
      room = PART_BYTES_MAX
    }
    parts.at(-1)?.push(item)
    room -= bytes
  }
  return parts
}

/** What an item takes beside its own words. */
const ITEM_BYTES = 100

function shortReason(reason: string | null): string | null {
  return reason === null ? null : reason.slice(0, REASON_CHARS_MAX)
}
