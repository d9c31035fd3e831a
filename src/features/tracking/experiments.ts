import type { Clock } from '#base/clock'
import { Problem } from '#base/problem'
import { platformActor, type Actor, type Transact } from '#ledger'
import { joinUri, OWN_ROOT } from './artifact.ts'
import {
  assertActiveExperiment,
  checkedExperimentId,
  checkedExperimentName,
  checkedExperimentTag,
  DEFAULT_EXPERIMENT,
  type Experiment,
  type KeyValue,
} from './experiment.ts'
import * as facts from './facts.ts'
import type { DatasetUse } from './input.ts'
import { pageOf, type Page } from './search.ts'
import type { ExperimentSearch, TrackingReads, TrackingWrites } from './store.ts'

export interface NewExperiment {
  readonly name: string
  /** Where its runs keep their files; the server's own artifact tree when absent. */
  readonly artifactLocation?: string
  readonly tags?: readonly KeyValue[]
}

/** A page that shows datasets shows them for the experiments that are open in it. */
const DATASET_SEARCH_MAX = { experiments: 20, datasets: 1000 } as const

export interface Experiments {
  /** Throws `exists` when the name is taken, by a deleted experiment too. */
  create(actor: Actor, experiment: NewExperiment): Promise<Experiment>
  /** The experiment of that name, made if need be. Throws `conflict` when it is deleted. */
  ensure(actor: Actor, name: string): Promise<Experiment>
  /** Makes the experiment 0 of a new store. */
  ensureDefault(): Promise<void>
  /** Throws `not-found`. */
  get(experimentId: string): Promise<Experiment>
  findByName(name: string): Promise<Experiment | undefined>
  /** Datasets that runs used, with what for. Throws `invalid` for none or too many experiments. */
  datasets(experimentIds: readonly string[]): Promise<DatasetUse[]>
  search(search: ExperimentSearch): Promise<Page<Experiment>>
  rename(actor: Actor, experimentId: string, name: string): Promise<void>
  /** Deletes the experiment and its runs; both can be restored. */
  delete(actor: Actor, experimentId: string): Promise<void>
  restore(actor: Actor, experimentId: string): Promise<void>
  setTag(actor: Actor, experimentId: string, tag: KeyValue): Promise<void>
  deleteTag(actor: Actor, experimentId: string, key: string): Promise<void>
}

interface Dependencies {
  readonly read: TrackingReads
  readonly transact: Transact<{ tracking: TrackingWrites }>
  readonly clock: Clock
  /** Where the runs of experiments that name no place keep their files. */
  readonly artifactRoot?: string
}

export function createExperiments({
  read,
  transact,
  clock,
  artifactRoot = OWN_ROOT,
}: Dependencies): Experiments {
  const insert = (actor: Actor, given: NewExperiment) =>
    transact(async ({ tracking, ledger }) => {
      await assertFree(tracking, given.name)
      const experiment = await inserted(tracking, newExperiment(given, clock.nowMs()), artifactRoot)
      await ledger.append(actor, [facts.experimentCreated(experiment)])
      return experiment
    })

  return {
    create: async (actor, experiment) => {
      checkedExperimentName(experiment.name)
      experiment.tags?.forEach(checkedExperimentTag)
      return insert(actor, experiment)
    },
    ensure: async (actor, name) => {
      const kept = await read.findExperimentByName(checkedExperimentName(name))
      if (kept === undefined)
        return insert(actor, { name }).catch(async (error: unknown) => {
          // Somebody else was faster; theirs is as good.
          const theirs = await read.findExperimentByName(name)
          if (theirs === undefined) throw error
          return theirs
        })
      assertActiveExperiment(kept)
      return kept
    },
    ensureDefault: async () => {
      if ((await read.findExperiment(DEFAULT_EXPERIMENT.experimentId)) !== undefined) return
      await transact(async ({ tracking, ledger }) => {
        // Another server that starts on the same database may have been quicker.
        if ((await tracking.findExperiment(DEFAULT_EXPERIMENT.experimentId)) !== undefined) return
        const experiment = await inserted(
          tracking,
          {
            ...newExperiment(DEFAULT_EXPERIMENT, clock.nowMs()),
            ...DEFAULT_EXPERIMENT,
          },
          artifactRoot,
        )
        await ledger.append(platformActor('tracking'), [facts.experimentCreated(experiment)])
      })
    },
    get: (experimentId) => experimentOf(read, experimentId),
    findByName: (name) => read.findExperimentByName(name),
    datasets: (experimentIds) => {
      if (experimentIds.length === 0 || experimentIds.length > DATASET_SEARCH_MAX.experiments)
        throw new Problem(
          'invalid',
          `name from 1 to ${DATASET_SEARCH_MAX.experiments} experiments, not ${experimentIds.length}`,
        )
      return read.datasetUses(experimentIds.map(checkedExperimentId), DATASET_SEARCH_MAX.datasets)
    },
    search: async (search) => pageOf(await read.searchExperiments(search), search),
    ...experimentChanges({ read, transact, clock }),
  }
}

function experimentChanges({
  transact,
  clock,
}: Dependencies): Pick<Experiments, 'rename' | 'delete' | 'restore' | 'setTag' | 'deleteTag'> {
  const move = (
    actor: Actor,
    experimentId: string,
    to: { lifecycle: Experiment['lifecycle']; refused: string },
  ) =>
    transact(async ({ tracking, ledger }) => {
      const kept = await experimentOf(tracking, experimentId)
      if (kept.lifecycle === to.lifecycle)
        throw new Problem('not-found', `the experiment ${experimentId} is ${to.refused}`)
      const { lifecycle } = to
      await tracking.saveExperiment({ ...kept, lifecycle, updatedMs: clock.nowMs() })
      await tracking.setRunLifecycles(kept.experimentId, lifecycle)
      const type = lifecycle === 'deleted' ? 'experiment-deleted' : 'experiment-restored'
      await ledger.append(actor, [facts.experimentChanged(type, kept)])
    })

  return {
    rename: (actor, experimentId, name) =>
      transact(async ({ tracking, ledger }) => {
        const kept = await experimentOf(tracking, experimentId)
        assertActiveExperiment(kept)
        checkedExperimentName(name)
        if (kept.name === name) return
        await assertFree(tracking, name)
        await tracking.saveExperiment({ ...kept, name, updatedMs: clock.nowMs() })
        await ledger.append(actor, [facts.experimentRenamed(kept, name)])
      }),
    delete: (actor, experimentId) =>
      move(actor, experimentId, { lifecycle: 'deleted', refused: 'deleted already' }),
    restore: (actor, experimentId) =>
      move(actor, experimentId, { lifecycle: 'active', refused: 'not deleted' }),
    setTag: (actor, experimentId, tag) =>
      transact(async ({ tracking, ledger }) => {
        const kept = await experimentOf(tracking, experimentId)
        assertActiveExperiment(kept)
        await tracking.setExperimentTags(kept.experimentId, [checkedExperimentTag(tag)])
        await tracking.saveExperiment({ ...kept, updatedMs: clock.nowMs() })
        await ledger.append(actor, [facts.experimentTagSet(kept.experimentId, tag)])
      }),
    deleteTag: (actor, experimentId, key) =>
      transact(async ({ tracking, ledger }) => {
        const kept = await experimentOf(tracking, experimentId)
        assertActiveExperiment(kept)
        if (!(await tracking.deleteExperimentTag(kept.experimentId, key)))
          throw new Problem('not-found', `the experiment ${experimentId} has no tag ${key}`)
        await tracking.saveExperiment({ ...kept, updatedMs: clock.nowMs() })
        await ledger.append(actor, [facts.experimentTagDeleted(kept.experimentId, key)])
      }),
  }
}

/** Throws `not-found`, or `invalid` for what cannot be an identifier. */
export async function experimentOf(
  read: Pick<TrackingReads, 'findExperiment'>,
  experimentId: string,
): Promise<Experiment> {
  const experiment = await read.findExperiment(checkedExperimentId(experimentId))
  if (experiment === undefined)
    throw new Problem(
      'not-found',
      `No Experiment with id=${experimentId} exists; create it, or look for it by name`,
    )
  return experiment
}

function newExperiment(given: NewExperiment, nowMs: number): Omit<Experiment, 'experimentId'> {
  return {
    name: given.name,
    artifactLocation: given.artifactLocation ?? '',
    lifecycle: 'active',
    createdMs: nowMs,
    updatedMs: nowMs,
    tags: given.tags ?? [],
  }
}

/** Keeps a new experiment; where its files go follows from its number unless it was said. */
async function inserted(
  tracking: TrackingWrites,
  given: Omit<Experiment, 'experimentId'> & { experimentId?: string },
  artifactRoot: string,
): Promise<Experiment> {
  const experiment = await tracking.insertExperiment(given)
  if (experiment.artifactLocation !== '') return experiment
  const located = {
    ...experiment,
    artifactLocation: joinUri(artifactRoot, experiment.experimentId),
  }
  await tracking.saveExperiment(located)
  return located
}

async function assertFree(tracking: TrackingReads, name: string): Promise<void> {
  const taken = await tracking.findExperimentByName(name)
  if (taken !== undefined)
    throw new Problem(
      'exists',
      `Experiment(name=${name}) already exists${taken.lifecycle === 'deleted' ? ' in deleted state; restore it or choose another name' : ''}`,
    )
}
