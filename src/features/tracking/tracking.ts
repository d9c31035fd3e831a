import type { Clock } from '#base/clock'
import type { Ids } from '#base/ids'
import type { Actor, LedgerWrites, Transact } from '#ledger'
import type { ObjectStore } from '#objects'
import { createArtifacts, type Artifacts } from './artifacts.ts'
import type { Experiment } from './experiment.ts'
import { createExperiments, type Experiments } from './experiments.ts'
import { createIntake, type Intake } from './intake.ts'
import { createLoggedModels, type LoggedModels } from './logged-models.ts'
import { NOTHING_OUTSIDE, type OutsideFiles } from './outside.ts'
import { createRunLog, type RunLog } from './run-log.ts'
import { createRuns, type Runs } from './runs.ts'
import type { TrackingReads, TrackingWrites } from './store.ts'

/** Experiments, their runs and models, and all that runs tell. */
export interface Tracking extends Runs, RunLog {
  readonly experiments: Experiments
  readonly loggedModels: LoggedModels
  readonly artifacts: Artifacts
  /** What other tracking stores kept. */
  readonly intake: Intake
  /** The experiment of that name, made if need be. */
  ensureExperiment(actor: Actor, name: string): Promise<Experiment>
  /** What runs do, as a part of a transaction that is under way: kept with the rest of it, or not at all. */
  within(tx: { tracking: TrackingWrites; ledger: LedgerWrites }): Runs & RunLog
}

export function createTracking(dependencies: {
  read: TrackingReads
  transact: Transact<{ tracking: TrackingWrites }>
  objects: ObjectStore
  /** Where clients keep files by themselves; nowhere unless it is given. */
  outside?: OutsideFiles
  /** Where new experiments keep their files; the server's own tree unless it is given. */
  artifactRoot?: string
  clock: Clock
  ids: Ids
}): Tracking {
  const experiments = createExperiments(dependencies)
  return {
    ...createRuns(dependencies),
    ...createRunLog(dependencies),
    experiments,
    loggedModels: createLoggedModels(dependencies),
    artifacts: createArtifacts({ outside: NOTHING_OUTSIDE, ...dependencies }),
    intake: createIntake(dependencies),
    ensureExperiment: (actor, name) => experiments.ensure(actor, name),
    within: (tx) => {
      const joined = { ...dependencies, read: tx.tracking, transact: joining(tx) }
      return { ...createRuns(joined), ...createRunLog(joined) }
    },
  }
}

function joining<Tx>(tx: Tx): <T>(work: (tx: Tx) => Promise<T>) => Promise<T> {
  return (work) => work(tx)
}
