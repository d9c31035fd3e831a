import type { Clock } from '#base/clock'
import type { Ids } from '#base/ids'
import { Problem } from '#base/problem'
import type { Actor, Transact } from '#ledger'
import { joinUri } from './artifact.ts'
import {
  assertActiveExperiment,
  checkedExperimentId,
  DEFAULT_EXPERIMENT,
  type KeyValue,
} from './experiment.ts'
import { experimentOf } from './experiments.ts'
import * as facts from './facts.ts'
import { generatedName } from './names.ts'
import {
  assertActiveRun,
  checkedFirstTag,
  checkedParam,
  isOver,
  nameOfNewRun,
  RUN_NAME_TAG,
  type Run,
  type RunRecord,
  type RunStatus,
} from './run.ts'
import { pageOf, type Page } from './search.ts'
import type { RunSearch, TrackingReads, TrackingWrites } from './store.ts'

export interface NewRun {
  /** Absent: the default experiment. */
  readonly experimentId?: string
  readonly name?: string
  readonly userId?: string
  readonly startMs?: number
  readonly tags?: readonly KeyValue[]
  readonly params?: readonly KeyValue[]
  /** 32 hex digits. Starting a run that is there already gives that one, unchanged. */
  readonly runId?: string
}

export interface RunChange {
  readonly status?: RunStatus
  readonly endMs?: number
  readonly name?: string
}

export interface Runs {
  startRun(actor: Actor, run: NewRun): Promise<RunRecord>
  /** Changes status, end or name; ending a run twice is harmless. Throws `conflict` when it is deleted. */
  updateRun(actor: Actor, runId: string, change: RunChange): Promise<Run>
  endRun(actor: Actor, runId: string, status: RunStatus): Promise<Run>
  deleteRun(actor: Actor, runId: string): Promise<void>
  restoreRun(actor: Actor, runId: string): Promise<void>
  /** Throws `not-found`. */
  getRun(runId: string): Promise<RunRecord>
  findRun(runId: string): Promise<Run | undefined>
  searchRuns(search: RunSearch): Promise<Page<RunRecord>>
}

interface Dependencies {
  readonly read: TrackingReads
  readonly transact: Transact<{ tracking: TrackingWrites }>
  readonly clock: Clock
  readonly ids: Ids
}

export function createRuns({ read, transact, clock, ids }: Dependencies): Runs {
  const updateRun = (actor: Actor, runId: string, change: RunChange) =>
    transact(async ({ tracking, ledger }) => {
      const kept = await runOf(tracking, runId)
      assertActiveRun(kept)
      const run = changed(kept, change)
      await tracking.saveRun(run)
      if (run.name !== kept.name)
        await tracking.setRunTags(runId, [{ key: RUN_NAME_TAG, value: run.name }])
      if (run.status === kept.status) return run
      if (isOver(run.status)) {
        const params = await tracking.params(runId)
        const metrics = await tracking.newestMetrics(runId)
        await ledger.append(actor, [facts.runEnded(run, { params, metrics })])
      } else if (isOver(kept.status)) await ledger.append(actor, [facts.runResumed(run)])
      return run
    })

  const setLifecycle = (actor: Actor, runId: string, lifecycle: Run['lifecycle']) =>
    transact(async ({ tracking, ledger }) => {
      const kept = await runOf(tracking, runId)
      if (kept.lifecycle === lifecycle) return
      // The runs of an experiment that is gone for good are going too.
      if (lifecycle === 'active') await experimentOf(tracking, kept.experimentId)
      await tracking.saveRun({ ...kept, lifecycle })
      const type = lifecycle === 'deleted' ? 'run-deleted' : 'run-restored'
      await ledger.append(actor, [facts.runChanged(type, kept)])
    })

  return {
    startRun: (actor, given) =>
      startRun({ transact, nowMs: clock.nowMs(), newId: () => ids.hex32() }, actor, given),
    updateRun,
    endRun: (actor, runId, status) => updateRun(actor, runId, { status, endMs: clock.nowMs() }),
    deleteRun: (actor, runId) => setLifecycle(actor, runId, 'deleted'),
    restoreRun: (actor, runId) => setLifecycle(actor, runId, 'active'),
    getRun: async (runId) => {
      const [run] = await read.runRecords([runId])
      if (run === undefined) throw runNotFound(runId)
      return run
    },
    findRun: (runId) => read.findRun(runId),
    searchRuns: async (search) => {
      search.experimentIds.forEach(checkedExperimentId)
      const { items, next } = pageOf(await read.searchRuns(search), search)
      return { items: await read.runRecords(items), next }
    },
  }
}

/** Throws `not-found`. */
export async function runOf(read: Pick<TrackingReads, 'findRun'>, runId: string): Promise<Run> {
  const run = await read.findRun(runId)
  if (run === undefined) throw runNotFound(runId)
  return run
}

async function startRun(
  world: {
    transact: Transact<{ tracking: TrackingWrites }>
    nowMs: number
    newId: () => string
  },
  actor: Actor,
  given: NewRun,
): Promise<RunRecord> {
  const runId = checkedRunId(given.runId ?? world.newId())
  const ownTags = (given.tags ?? []).map(checkedFirstTag)
  const name = nameOfNewRun(given.name ?? '', ownTags) ?? generatedName(world.newId())
  const tags = [
    ...ownTags.filter((tag) => tag.key !== RUN_NAME_TAG),
    { key: RUN_NAME_TAG, value: name },
  ]
  return world.transact(async ({ tracking, ledger }) => {
    if (given.runId !== undefined) {
      const [kept] = await tracking.runRecords([runId])
      if (kept !== undefined) return kept
    }
    const experimentId = given.experimentId || DEFAULT_EXPERIMENT.experimentId
    const experiment = await experimentOf(tracking, experimentId)
    assertActiveExperiment(experiment)
    const run: Run = {
      runId,
      experimentId: experiment.experimentId,
      name,
      userId: given.userId ?? '',
      status: 'running',
      startMs: given.startMs ?? world.nowMs,
      endMs: null,
      artifactUri: joinUri(experiment.artifactLocation, runId, 'artifacts'),
      lifecycle: 'active',
    }
    await tracking.insertRun(run)
    await tracking.setRunTags(runId, tags)
    await tracking.insertParams(runId, (given.params ?? []).map(checkedParam))
    await ledger.append(actor, [facts.runStarted(run)])
    const [record] = await tracking.runRecords([runId])
    return record as RunRecord
  })
}

function changed(run: Run, { status, endMs, name }: RunChange): Run {
  const next = status ?? run.status
  // A run that goes on has no end; one that is over keeps the end it had unless another is told.
  const end = isOver(next) ? (endMs ?? run.endMs) : (endMs ?? null)
  return {
    ...run,
    status: next,
    endMs: end,
    name: name === undefined || name === '' ? run.name : name,
  }
}

function checkedRunId(runId: string): string {
  if (/^[0-9a-f]{32}$/.test(runId)) return runId
  throw new Problem('invalid', `${JSON.stringify(runId)} is no run id; it is 32 hex digits`)
}

function runNotFound(runId: string): Problem {
  return new Problem('not-found', `Run with id=${runId} not found; look for it with a search`)
}
