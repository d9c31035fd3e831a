import type { Clock } from '#base/clock'
import type { Ids } from '#base/ids'
import { Problem } from '#base/problem'
import type { Actor, Transact } from '#ledger'
import type { ObjectStore } from '#objects'
import type { TestCase } from '#stages'
import type { Tracking, TrackingWrites } from '#tracking'
import {
  pipelineRunFinished,
  pipelineRunStarted,
  stageRunFinished,
  stageRunId,
  stageRunStarted,
  stageSkipped,
  type DataVersion,
  type PipelineRun,
  type PipelineState,
  type StageEnd,
  type StageRun,
  type StageStart,
} from './recording.ts'
import type { PipelineReads, PipelineWrites } from './recording-store.ts'
import { countsOf, testsOf, TESTS_FILE } from './stage-tests.ts'
import { sightTags } from './stage-sight.ts'
import { inputOf, metricsOf, paramsOf, reasonTag, tagsOf } from './stage-run.ts'

export interface PipelineStart {
  /** Told again with the same id, the start is the same start. */
  readonly id?: string
  readonly project: string
  readonly commit: string | null
  readonly dirty: boolean
  readonly branch: string | null
  readonly stages: readonly string[]
  readonly cause?: string
}

/** What pipeline runs did, wherever they ran: each stage is an MLflow run with its inputs, outputs and environment. */
export interface Recordings {
  start(actor: Actor, start: PipelineStart): Promise<PipelineRun>
  /** Gives the stage's MLflow run and its experiment. Throws `not-found`, or `conflict` when the pipeline run is over. */
  startStage(
    actor: Actor,
    pipelineRun: string,
    start: StageStart,
  ): Promise<{ runId: string; experimentId: string }>
  finishStage(actor: Actor, pipelineRun: string, stage: string, end: StageEnd): Promise<void>
  skipStage(
    actor: Actor,
    pipelineRun: string,
    skip: {
      stage: string
      why: 'up-to-date' | 'restored'
      reason: string
      outs: readonly DataVersion[]
    },
  ): Promise<void>
  finish(
    actor: Actor,
    pipelineRun: string,
    end: {
      outcome: Exclude<PipelineState, 'running'>
      reason: string | null
      lockDigest: string | null
    },
  ): Promise<void>
  /** Closes what a process that is gone left open, its stages' runs as well. */
  closeOpen(actor: Actor, cause: string, reason: string): Promise<void>
  /** What a policy run set in motion, oldest first. */
  ofCause(cause: string): Promise<PipelineRun[]>
  /** The tests that a stage ran, by its report. Throws `not-found` where it told of none. */
  tests(pipelineRun: string, stage: string): Promise<TestCase[]>
  /** Throws `not-found`. */
  get(id: string): Promise<PipelineRun & { stageRuns: StageRun[] }>
  list(page: { limit: number; before?: string; project?: string }): Promise<PipelineRun[]>
}

interface Dependencies {
  read: PipelineReads
  transact: Transact<{ pipelines: PipelineWrites; tracking: TrackingWrites }>
  tracking: Tracking
  objects: ObjectStore
  clock: Clock
  ids: Ids
}

export function createRecordings(dependencies: Dependencies): Recordings {
  const { read, transact, clock, ids } = dependencies
  const finish = finisher(dependencies)

  return {
    start: (actor, { id = ids.ulid(), cause = null, ...start }) =>
      transact(async ({ pipelines, ledger }) => {
        const known = await pipelines.find(id)
        if (known !== undefined) return known
        const run: PipelineRun = {
          ...start,
          id,
          cause,
          state: 'running',
          reason: null,
          lockDigest: null,
          startedMs: clock.nowMs(),
          endedMs: null,
        }
        await pipelines.save(run)
        await ledger.append(actor, [pipelineRunStarted(run)])
        return run
      }),
    startStage: stageStarter(dependencies),
    finishStage: stageFinisher(dependencies),
    skipStage: stageSkipper(dependencies),
    finish,
    ofCause: (cause) => read.ofCause(cause),
    closeOpen: async (actor, cause, reason) => {
      const open = (await read.ofCause(cause)).filter((run) => run.state === 'running')
      for (const run of open)
        await finish(actor, run.id, { outcome: 'killed', reason, lockDigest: null })
    },
    get: async (id) => {
      const run = await found(read, id)
      const place = ({ stage }: StageRun) => run.stages.indexOf(stage)
      const stageRuns = (await read.stages(id)).toSorted(
        (a, b) => a.startedMs - b.startedMs || place(a) - place(b),
      )
      return { ...run, stageRuns }
    },
    tests: (id, stage) => testsOf(dependencies, id, stage),
    list: (page) => read.list(page),
  }
}

/** Ends a pipeline run, and before it whatever stage nobody told the end of. */
function finisher(dependencies: Dependencies): Recordings['finish'] {
  const { read, transact, clock } = dependencies
  const finishStage = stageFinisher(dependencies)
  return async (actor, id, { outcome, reason, lockDigest }) => {
    for (const { stage, state } of await read.stages(id))
      if (state === 'running')
        await finishStage(actor, id, stage, {
          outcome: outcome === 'succeeded' ? 'killed' : outcome,
          reason: reason ?? 'its pipeline run ended without telling how the stage did',
          outs: [],
          metrics: {},
          logTail: '',
        })
    await transact(async ({ pipelines, ledger }) => {
      const run = await found(pipelines, id)
      if (run.state !== 'running') return
      const ended: PipelineRun = {
        ...run,
        state: outcome,
        reason,
        lockDigest,
        endedMs: clock.nowMs(),
      }
      await pipelines.save(ended)
      await ledger.append(actor, [pipelineRunFinished(ended)])
    })
  }
}

const RUN_STATUS = { succeeded: 'finished', failed: 'failed', killed: 'killed' } as const

function stageStarter({
  read,
  transact,
  tracking,
  objects,
  clock,
}: Dependencies): Recordings['startStage'] {
  return async (actor, id, start) => {
    const { project } = await found(read, id)
    if (start.environment !== null) await objects.put(Buffer.from(start.environment.lock))
    const { experimentId } = await tracking.ensureExperiment(actor, project)
    const runId = stageRunId(id, start.stage)
    await transact(async (tx) => {
      const { pipelines, ledger } = tx
      const run = await found(pipelines, id)
      if (run.state !== 'running')
        throw new Problem('conflict', `the pipeline run ${id} is over; start another`)
      const stages = await pipelines.stages(id)
      if (stages.some((each) => each.stage === start.stage)) return
      const runs = tracking.within(tx)
      await runs.startRun(actor, {
        runId,
        experimentId,
        name: start.stage,
        tags: tagsOf(run, start),
        params: paramsOf(start),
      })
      await runs.logInputs(runId, { datasets: start.deps.map(inputOf) })
      const made = stages.flatMap((each) => each.outs)
      await pipelines.saveStage({
        pipelineRun: id,
        stage: start.stage,
        run: runId,
        state: 'running',
        reason: null,
        deps: start.deps,
        outs: [],
        environment: start.environment?.digest ?? null,
        startedMs: clock.nowMs(),
        endedMs: null,
      })
      await ledger.append(actor, stageRunStarted(run, start, { runId, made }))
    })
    return { runId, experimentId }
  }
}

function stageFinisher({
  read,
  transact,
  tracking,
  clock,
}: Dependencies): Recordings['finishStage'] {
  return async (actor, id, stage, end) => {
    const run = await found(read, id)
    const kept = (await read.stages(id)).find((each) => each.stage === stage)
    if (kept?.run === undefined || kept.run === null)
      throw new Problem(
        'not-found',
        `the stage ${stage} of the pipeline run ${id} was never started`,
      )
    if (kept.state !== 'running') return
    const runId = kept.run
    const isThere = await tellRun(tracking, runId, end, clock.nowMs())
    await transact(async (tx) => {
      const { pipelines, ledger } = tx
      const present = (await pipelines.stages(id)).find((each) => each.stage === stage)
      if (present?.state !== 'running') return
      if (isThere) await tracking.within(tx).endRun(actor, runId, RUN_STATUS[end.outcome])
      await pipelines.saveStage({
        ...present,
        state: end.outcome,
        reason: end.reason,
        outs: end.outs,
        endedMs: clock.nowMs(),
        ...(end.tests === undefined ? {} : { tests: countsOf(end.tests) }),
      })
      await ledger.append(actor, stageRunFinished(run, stage, runId, end))
    })
  }
}

function stageSkipper({ read, transact, clock }: Dependencies): Recordings['skipStage'] {
  return async (actor, id, skip) => {
    const run = await found(read, id)
    await transact(async ({ pipelines, ledger }) => {
      const known = (await pipelines.stages(id)).some((each) => each.stage === skip.stage)
      if (known) return
      await pipelines.saveStage({
        pipelineRun: id,
        stage: skip.stage,
        run: null,
        state: skip.why,
        reason: skip.reason,
        deps: [],
        outs: skip.outs,
        environment: null,
        startedMs: clock.nowMs(),
        endedMs: clock.nowMs(),
      })
      await ledger.append(actor, [stageSkipped(run, skip)])
    })
  }
}

/** Logs what the stage's own code did not: the metrics of its metric files, and the end of its output. False when somebody deleted the run. */
async function tellRun(
  tracking: Tracking,
  runId: string,
  end: StageEnd,
  atMs: number,
): Promise<boolean> {
  const { metrics: logged, lifecycle } = await tracking.getRun(runId)
  if (lifecycle === 'deleted') return false
  const known = new Set(logged.map((metric) => metric.key))
  const metrics = metricsOf(end, atMs).filter(({ key }) => !known.has(key))
  if (metrics.length > 0) await tracking.logMetrics(runId, metrics)
  const tags = [
    ...(end.reason === null ? [] : [reasonTag(end.reason)]),
    ...(end.sight === undefined ? [] : sightTags(end.sight)),
  ]
  if (tags.length > 0) await tracking.setTags(runId, tags)
  if (end.logTail === '' && end.tests === undefined) return true
  const folder = await tracking.artifacts.folderOf({ run: runId })
  if (end.tests !== undefined) await folder.put(TESTS_FILE, Buffer.from(JSON.stringify(end.tests)))
  if (end.logTail === '') return true
  await folder.put('logs/stage.log', Buffer.from(end.logTail))
  return true
}

async function found(read: PipelineReads, id: string): Promise<PipelineRun> {
  const run = await read.find(id)
  if (run === undefined) throw new Problem('not-found', `there is no pipeline run ${id}`)
  return run
}
