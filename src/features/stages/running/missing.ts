import { isWithin, outChange } from '#data'
import { outRefs, restoreOuts } from './finish.ts'
import type { Graph, Step } from '../graph/graph.ts'
import { blank, type Run, type StepAction, type StepResult } from './repro-run.ts'
import { contentAt, firstReason, type Look } from '../staleness.ts'
import { lookAt } from './steps.ts'
import type { Stage } from '../stage.ts'

type StageStep = Extract<Step, { kind: 'stage' }>

/**
 * The result of a step of which nothing but data is missing: left as it is with `allowMissing`, or brought from the
 * remote with `pull`. Undefined for a step that has to be looked at as always.
 */
export async function settledWithoutData(
  run: Run,
  graph: Graph,
  step: Step,
): Promise<StepResult | undefined> {
  const { allowMissing, pull, force } = run.options
  if (force === true || (allowMissing !== true && pull !== true)) return undefined
  return run.turn.within(async () => {
    const isSame = step.kind === 'data' ? lacksOnly(run, step) : isUnchanged(run, graph, step.stage)
    if (!(await isSame)) {
      if (pull === true && step.kind === 'stage') await bringDeps(run, graph, step.stage)
      return undefined
    }
    if (allowMissing === true) return noted(run, step, 'up-to-date', 'nothing but data is missing')
    // What cannot be had is told by whoever needs it.
    await bring(run, outsOf(step))
    return step.kind === 'stage' ? restored(run, step) : undefined
  })
}

function outsOf(step: Step): string[] {
  return (step.kind === 'data' ? step.outs : step.stage.outs).map(({ path }) => path)
}

async function lacksOnly(run: Run, step: Extract<Step, { kind: 'data' }>): Promise<boolean> {
  for (const out of step.outs) if ((await outChange(run.ground, out)) === 'modified') return false
  return true
}

async function isUnchanged(run: Run, graph: Graph, stage: Stage): Promise<boolean> {
  const reason = await firstReason(
    stage,
    run.locks.get(stage.address),
    withoutMissing(run, graph, stage),
  )
  return reason === undefined
}

/** What is missing counts as what it was, unless a stage has since written something else there. */
function withoutMissing(run: Run, graph: Graph, stage: Stage): Look {
  const look = lookAt(run.ground)
  const own = run.locks.get(stage.address)
  const needed = new Set(graph.upstream.get(stage.address))
  const written = graph.steps
    .filter((step): step is StageStep => step.kind === 'stage' && needed.has(step.name))
    .flatMap((step) => step.stage.outs.map((out) => ({ ...out, address: step.name })))
  return {
    ...look,
    content: async (path, as) => {
      const now = await look.content(path, as)
      if (now !== undefined) return now
      const maker = written.find((out) => out.path === path)
      const made = contentAt(run.locks.get(maker?.address ?? '')?.outs, maker?.written ?? '')
      const dep = stage.deps.find((each) => each.path === path)
      return made ?? contentAt(own?.deps, dep?.written ?? '')
    },
    out: async (out, locked) => {
      const change = await look.out(out, locked)
      // What was never written is not missing.
      return change === 'modified' || locked === undefined ? change : undefined
    },
  }
}

async function bring({ ground }: Run, paths: readonly string[]): Promise<void> {
  if (paths.length > 0) await ground.fetch?.(paths)
}

/** Of what a stage reads: what is not there, though something makes it. */
async function bringDeps(run: Run, graph: Graph, stage: Stage): Promise<void> {
  const { ground } = run
  for (const { path } of stage.deps) {
    if (await ground.workspace.exists(path)) continue
    const step = graph.steps.find((each) => outsOf(each).some((out) => isWithin(path, out)))
    if (step?.kind !== 'stage') continue
    await bring(run, outsOf(step))
    await restored(run, step)
  }
}

async function restored(run: Run, step: StageStep): Promise<StepResult | undefined> {
  const { ground } = run
  const lock = run.locks.get(step.name)
  const look = lookAt(ground)
  if (lock === undefined || (await firstReason(step.stage, lock, look)) === undefined)
    return undefined
  for (const { written } of step.stage.outs) {
    const content = contentAt(lock.outs, written)
    if (content === undefined || !(await ground.cache.holds(content))) return undefined
  }
  await restoreOuts(ground, step.stage, lock)
  return noted(run, step, 'restored', 'its data was missing and was pulled')
}

async function noted(
  run: Run,
  step: Step,
  action: Extract<StepAction, 'up-to-date' | 'restored'>,
  reason: string,
): Promise<StepResult> {
  const { recorder, pipelineRunId } = run
  run.emit({ kind: 'decided', step: step.name, action, reason })
  const outs = step.kind === 'stage' ? outRefs(step.stage, run.locks.get(step.name)) : []
  if (step.kind === 'stage')
    await recorder.stageSkipped({ pipelineRunId, stage: step.name, why: action, reason, outs })
  return { ...blank(step), action, reason, outs }
}
