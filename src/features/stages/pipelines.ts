import { Problem } from '#base/problem'
import { exclusively, type WorkTree } from '#data'
import { commitStages, type CommitStagesHow } from './commit.ts'
import { graphOf, inOrder, type Graph } from './graph/graph.ts'
import { repro } from './running/repro.ts'
import type { ReproGround, ReproOptions, ReproResult } from './running/repro-run.ts'
import { withFiles } from './explain.ts'
import { allReasons, reasons, firstReason, inWords, type Reason } from './staleness.ts'
import { lookAt } from './running/steps.ts'
import { earlierRun } from './running/finish.ts'
import { partsReasons } from './parts/reason.ts'
import { selected, stepsNamed } from './graph/selection.ts'
import { removeStages, type RemovedStage, type StageFiles } from './remove.ts'
import type { LoadedPipelines } from './store.ts'
import type { Stage, StageLock } from './stage.ts'

export interface StageStatus {
  readonly stage: Stage
  readonly lock: StageLock | undefined
  /** Everything that is not as it was; empty for a stage that is up to date. */
  readonly reasons: readonly Reason[]
}

/** What repro would do, without doing it. */
export interface PlannedStep {
  readonly name: string
  readonly action: 'run' | 'restore' | 'up-to-date' | 'commit' | 'depends'
  readonly reason: string
  /** Of a stage that is not up to date: every reason, with old and new. */
  readonly reasons?: readonly Reason[]
  /** Of a stage that would run: what somebody is asked first where the server runs it. */
  readonly approval?: { readonly message: string | null }
}

export interface Pipelines {
  load(): Promise<LoadedPipelines>
  /** With `files`, reasons tell what differs inside folders, which takes longer. */
  status(targets?: readonly string[], how?: { files?: boolean }): Promise<StageStatus[]>
  /** The steps that targets name and all that these need: addresses of stages, and `.dvc` files. */
  withNeeds(targets: readonly string[]): Promise<string[]>
  /** Records the named stages as they are now, all of them without a name; gives their addresses. */
  commit(targets: readonly string[], how: CommitStagesHow): Promise<string[]>
  /** Takes stages out of the project's files; with `withData` what they wrote goes, too. */
  remove(addresses: readonly string[], how: { withData: boolean }): Promise<RemovedStage[]>
  plan(options: ReproOptions): Promise<PlannedStep[]>
  repro(options: ReproOptions): Promise<ReproResult>
}

export interface PipelinesGround extends ReproGround {
  readonly tree: WorkTree
  readonly stageFiles: StageFiles
}

export function createPipelines(ground: PipelinesGround): Pipelines {
  const whole = async (): Promise<LoadedPipelines> => {
    const loaded = await ground.files.load()
    if (loaded.problems.length > 0) throw faulty(loaded)
    return loaded
  }
  return {
    load: () => ground.files.load(),
    status: async (targets = [], how = {}) => {
      const loaded = await whole()
      const graph = graphOf(loaded.stages, loaded.tracked)
      const named = new Set(targets.flatMap((target) => stepsNamed(graph, target)))
      const found: StageStatus[] = []
      for (const stage of loaded.stages) {
        if (targets.length > 0 && !named.has(stage.address)) continue
        const lock = loaded.locks.get(stage.address)
        const why = await allOf(reasons(stage, lock, lookAt(ground)))
        found.push({
          stage,
          lock,
          reasons: how.files === true ? await withFiles(ground, why) : why,
        })
      }
      return found
    },
    withNeeds: async (targets) => {
      const loaded = await whole()
      const graph = graphOf(loaded.stages, loaded.tracked)
      const named = targets.flatMap((target) => stepsNamed(graph, target))
      return named.length === 0 ? [] : inOrder(graph, named).map(({ name }) => name)
    },
    commit: (targets, how) =>
      exclusively([ground.whole, ground.brief], async () => {
        const loaded = await whole()
        const graph = graphOf(loaded.stages, loaded.tracked)
        const named = new Set(targets.flatMap((target) => stepsNamed(graph, target)))
        const stages = loaded.stages
          .filter(({ address }) => targets.length === 0 || named.has(address))
          .map((stage) => ({ stage, lock: loaded.locks.get(stage.address) }))
        await commitStages({ ...ground, look: lookAt(ground) }, stages, how)
        return stages.map(({ stage }) => stage.address)
      }),
    remove: (addresses, how) =>
      exclusively([ground.whole, ground.brief], async () => {
        const { stages } = await whole()
        const wanted = stages.filter(({ address }) => addresses.includes(address))
        return removeStages(ground, wanted, how)
      }),
    plan: async (options) => {
      const loaded = await whole()
      const graph = graphOf(loaded.stages, loaded.tracked)
      return planned(ground, { loaded, graph }, options)
    },
    repro: (options) =>
      exclusively([ground.whole], async () => {
        // What is wrong with the project's own file is told before anything runs.
        await ground.project()
        const loaded = await whole()
        return repro(ground, loaded, options)
      }),
  }
}

async function planned(
  ground: PipelinesGround,
  { loaded, graph }: { loaded: LoadedPipelines; graph: Graph },
  options: ReproOptions,
): Promise<PlannedStep[]> {
  const look = lookAt(ground)
  const plan: PlannedStep[] = []
  const moving = new Map<string, string>()
  for (const { name, ...step } of selected(graph, options)) {
    const before = (graph.upstream.get(name) ?? []).find((need) => moving.has(need))
    if (step.kind === 'data') {
      const changes = await Promise.all(
        step.outs.map((out) => look.out({ ...DATA_OUT, ...out }, out.content)),
      )
      const change = changes.find((each) => each !== undefined)
      if (change !== undefined) moving.set(name, name)
      plan.push({
        name,
        action: change === undefined ? 'up-to-date' : 'commit',
        reason: change === undefined ? 'nothing changed' : `its data is ${change}`,
      })
      continue
    }
    const lock = loaded.locks.get(step.stage.address)
    const reason: Reason | undefined =
      options.force === true ? { kind: 'forced' } : await firstReason(step.stage, lock, look)
    if (reason === undefined) {
      if (before !== undefined) moving.set(name, name)
      plan.push(
        before === undefined
          ? { name, action: 'up-to-date', reason: 'nothing that it reads or writes changed' }
          : {
              name,
              action: 'depends',
              reason: `it runs if ${before} changes what it reads`,
              ...approvalOf(step.stage),
            },
      )
      continue
    }
    moving.set(name, name)
    const restores =
      options.force !== true &&
      before === undefined &&
      (await isRestorable(ground, step.stage, lock))
    const found = [
      ...(await withFiles(ground, await allReasons(step.stage, lock, look))),
      ...(await partsReasons(ground, step.stage)),
    ]
    plan.push({
      name,
      action: restores ? 'restore' : 'run',
      reason: inWords(reason),
      reasons: reason.kind === 'forced' ? [reason, ...found] : found,
      ...(restores ? {} : approvalOf(step.stage)),
    })
  }
  return plan
}

function approvalOf({ approval }: Stage): Pick<PlannedStep, 'approval'> {
  return approval === undefined ? {} : { approval: { message: approval.message } }
}

const DATA_OUT = { written: '', kind: 'out', persist: false } as const

async function isRestorable(
  ground: PipelinesGround,
  stage: Stage,
  lock: StageLock | undefined,
): Promise<boolean> {
  try {
    const look = lookAt(ground)
    return (await earlierRun(ground, stage, { lock, look, runCache: true })) !== undefined
  } catch (error) {
    // Something that it needs is missing: that is said when it runs.
    if (error instanceof Problem) return false
    throw error
  }
}

function faulty(loaded: LoadedPipelines): Problem {
  const said = loaded.problems.map(({ file, stage, message }) =>
    stage === undefined ? `${file}: ${message}` : `${file}, stage ${stage}: ${message}`,
  )
  return new Problem(
    'invalid',
    `the project's files have faults; mend them first:\n  ${said.join('\n  ')}`,
    {
      problems: loaded.problems,
    },
  )
}

async function allOf<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}
