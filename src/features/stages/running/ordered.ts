import { messageOf } from '#base/problem'
import { downstreamOf, type Graph, type Step } from '../graph/graph.ts'
import { settledWithoutData } from './missing.ts'
import {
  blank,
  isExpected,
  type ReproGround,
  type ReproOptions,
  type Run,
  type StepResult,
} from './repro-run.ts'
import type { Place } from './room.ts'
import { firstReason } from '../staleness.ts'
import { bringUpToDate, lookAt } from './steps.ts'

/** Does one step after another as the options want it: forced by what ran before it, asked for, with missing data. */
export function orderedWork(
  run: Run,
  graph: Graph,
): (step: Step, place: Place) => Promise<StepResult> {
  const downstream = downstreamOf(graph)
  const forced = new Set<string>()
  return async (step, place) => {
    const options = forced.has(step.name) ? { ...run.options, force: true } : run.options
    const own = { ...run, options }
    const result = (await settled(own, graph, step)) ?? (await bringUpToDate(own, step, place))
    const isNew = options.force === true || result.action !== 'up-to-date'
    if (options.forceDownstream === true && result.outcome === 'succeeded' && isNew)
      for (const name of downstream.get(step.name) ?? []) forced.add(name)
    return result
  }
}

/** This ground, where nothing is put into the cache if the options say so. */
export function keeping(ground: ReproGround, { commit }: ReproOptions): ReproGround {
  if (commit !== false) return ground
  const { workspace, runCache } = ground
  return {
    ...ground,
    workspace: { ...workspace, keep: async () => {} },
    runCache: { ...runCache, save: async () => {} },
  }
}

async function settled(run: Run, graph: Graph, step: Step): Promise<StepResult | undefined> {
  try {
    return (await settledWithoutData(run, graph, step)) ?? (await refused(run, step))
  } catch (error) {
    if (!isExpected(error)) throw error
    return { ...blank(step), action: 'run', outcome: 'failed', failure: messageOf(error) }
  }
}

/** The end of a stage that would run, where somebody was asked and does not want it. */
async function refused(run: Run, step: Step): Promise<StepResult | undefined> {
  const { confirm, force } = run.options
  if (confirm === undefined || step.kind === 'data' || step.stage.frozen) return undefined
  const lock = run.locks.get(step.name)
  const isDue = await run.turn.within(
    async () =>
      force === true || (await firstReason(step.stage, lock, lookAt(run.ground))) !== undefined,
  )
  if (!isDue || (await confirm(step.name))) return undefined
  const reason = 'nobody wanted it to run'
  run.emit({ kind: 'decided', step: step.name, action: 'skipped', reason })
  return { ...blank(step), action: 'run', outcome: 'killed', reason, failure: reason }
}
