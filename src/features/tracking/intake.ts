import type { Clock } from '#base/clock'
import { sha256 } from '#base/digest'
import { canonicalJson } from '#base/json'
import { Problem } from '#base/problem'
import type { Actor, Fact, Transact } from '#ledger'
import { takeExperiment, type ExperimentTaken, type GivenExperiment } from './intake-experiment.ts'
import {
  takeRun,
  takeLoggedModel,
  type GivenLoggedModel,
  type GivenRun,
  type Taken,
} from './intake-run.ts'
import type { LoggedCounts, Mark, MarkKind } from './intake-store.ts'
import { finite, type Metric } from './metric.ts'
import { runOf } from './runs.ts'
import type { TrackingReads, TrackingWrites } from './store.ts'

/** Points of one metric of one run. */
export interface GivenSeries {
  readonly runId: string
  readonly key: string
  readonly points: readonly Pick<Metric, 'value' | 'step' | 'atMs'>[]
}

/**
 * Takes in what another tracking store kept, identifiers and times as they are. Each call is kept whole or not
 * at all and leaves one fact; giving the same again changes nothing and tells nothing.
 */
export interface Intake {
  experiments(
    actor: Actor,
    source: string,
    given: readonly GivenExperiment[],
  ): Promise<ExperimentTaken[]>
  /** Their experiments have to be there. */
  runs(actor: Actor, source: string, given: readonly GivenRun[]): Promise<Taken[]>
  /** Gives the number of points that were sent; those that were there are kept once. */
  metrics(actor: Actor, source: string, given: readonly GivenSeries[]): Promise<number>
  loggedModels(actor: Actor, source: string, given: readonly GivenLoggedModel[]): Promise<Taken[]>
  /** Remembers that these have been taken in whole, files and all. */
  mark(source: string, marks: readonly Mark[]): Promise<void>
  marks(source: string, kind: MarkKind, ids: readonly string[]): Promise<Mark[]>
  counts(runIds: readonly string[]): Promise<LoggedCounts[]>
}

export function createIntake({
  read,
  transact,
  clock,
}: {
  read: TrackingReads
  transact: Transact<{ tracking: TrackingWrites }>
  clock: Clock
}): Intake {
  return {
    experiments: (actor, source, given) =>
      transact(async ({ tracking, ledger }) => {
        const taken: ExperimentTaken[] = []
        for (const each of given)
          taken.push(await takeExperiment({ tracking, source, nowMs: clock.nowMs() }, each))
        const told = taken.filter(({ outcome }) => outcome !== 'same')
        if (told.length > 0)
          await ledger.append(actor, [imported(source, { experiments: told.map(short) }, given)])
        return taken
      }),
    runs: (actor, source, given) =>
      transact(async ({ tracking, ledger }) => {
        const kept = new Map(
          (await tracking.runRecords(given.map(({ runId }) => runId))).map((run) => [
            run.runId,
            run,
          ]),
        )
        const taken: Taken[] = []
        for (const each of given) taken.push(await takeRun(tracking, each, kept.get(each.runId)))
        const runs = given.map(({ runId }) => runId)
        if (taken.some((outcome) => outcome !== 'same'))
          await ledger.append(actor, [imported(source, byOutcome('runs', runs, taken), given)])
        return taken
      }),
    metrics: (actor, source, given) => {
      const digest = sha256(canonicalJson(given.map(plain)))
      return transact(async ({ tracking, ledger }) => {
        const runs = Map.groupBy(given, ({ runId }) => runId)
        const points = given.reduce((sum, series) => sum + series.points.length, 0)
        for (const [runId, series] of runs)
          await tracking.appendMetrics(await runOf(tracking, runId), series.flatMap(metricsOf))
        const data = { source, points, runs: [...runs.keys()], digest }
        if (points > 0) await ledger.append(actor, [{ type: 'mlflow-imported', data }])
        return points
      })
    },
    loggedModels: (actor, source, given) =>
      transact(async ({ tracking, ledger }) => {
        const taken: Taken[] = []
        for (const each of given) taken.push(await takeLoggedModel(tracking, each))
        const ids = given.map(({ modelId }) => modelId)
        if (taken.some((outcome) => outcome !== 'same'))
          await ledger.append(actor, [
            imported(source, byOutcome('loggedModels', ids, taken), given.map(withoutMetrics)),
          ])
        return taken
      }),
    mark: (source, marks) =>
      transact(({ tracking }) => tracking.saveMarks(source, marks, clock.nowMs())),
    marks: (source, kind, ids) => read.marks(source, kind, ids),
    counts: (runIds) => read.loggedCounts(runIds),
  }
}

/** History says by it whence things came that nobody made here. */
function imported(source: string, data: Fact['data'], content: unknown): Fact {
  return {
    type: 'mlflow-imported',
    data: { source, ...data, digest: sha256(canonicalJson(content)) },
  }
}

function byOutcome(what: string, ids: readonly string[], taken: readonly Taken[]) {
  const of = (outcome: Taken) => ids.filter((_, index) => taken[index] === outcome)
  return { [what]: { new: of('new'), changed: of('changed') } }
}

function short({ id, experimentId, outcome }: ExperimentTaken) {
  return { id, experiment: experimentId, outcome }
}

function metricsOf({ key, points }: GivenSeries): Metric[] {
  if (key === '' || key.includes('\0'))
    throw new Problem('invalid', 'the key of a metric is empty or holds a NUL; leave it out')
  return points.map((point) => {
    if (!Number.isSafeInteger(point.atMs) || !Number.isSafeInteger(point.step))
      throw new Problem(
        'invalid',
        `a point of the metric ${key} is at the step ${point.step} and the time ${point.atMs}; both have to be whole numbers below 2^53, so leave it out`,
      )
    return { key, ...point, value: finite(point.value) }
  })
}

/** With values that JSON has. */
function plain({ points, ...rest }: GivenSeries) {
  return { ...rest, points: points.map(({ value, step, atMs }) => [atMs, step, String(value)]) }
}

function withoutMetrics({ metrics: _metrics, ...model }: GivenLoggedModel) {
  return model
}
