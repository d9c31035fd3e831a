import { messageOf, Problem } from '#base/problem'
import { measuredInCache, outChange, type Out } from '#data'
import { heldBack, isAgreedTo } from './approval.ts'
import { runStage } from './attempt.ts'
import { earlierRun, finishStage, outRefs, restoreOuts } from './finish.ts'
import type { StageGround } from './repro-run.ts'
import type { Step } from '../graph/graph.ts'
import { partsReasons } from '../parts/reason.ts'
import { blank, isExpected, type Run, type StepAction, type StepResult } from './repro-run.ts'
import type { Place } from './room.ts'
import type { Stage, StageLock } from '../stage.ts'
import { explained, withFiles } from '../explain.ts'
import { allReasons, firstReason, inWords, type Look, type Reason } from '../staleness.ts'

/** Does for one step whatever it takes. What goes wrong with it is its result, never thrown. */
export async function bringUpToDate(run: Run, step: Step, place: Place): Promise<StepResult> {
  const startedMs = run.ground.nowMs()
  const ended = (result: StepResult): StepResult => ({
    ...result,
    durationMs: run.ground.nowMs() - startedMs,
  })
  if (isCancelled(run))
    return {
      ...blank(step),
      outcome: 'killed',
      action: 'skipped',
      reason: 'cancelled',
      failure: 'cancelled',
    }
  try {
    return ended(
      await run.turn.within(() =>
        step.kind === 'data' ? dataStep(run, step) : stageStep(run, step, place),
      ),
    )
  } catch (error) {
    if (!isExpected(error)) throw error
    return ended({
      ...blank(step),
      action: 'run',
      outcome: isCancelled(run) ? 'killed' : 'failed',
      reason: '',
      failure: messageOf(error),
    })
  }
}

function isCancelled(run: Run): boolean {
  return run.options.signal?.aborted === true
}

/** Data that changed under a `.dvc` file is taken as it is; data that is gone comes out of the cache. */
async function dataStep(run: Run, step: Extract<Step, { kind: 'data' }>): Promise<StepResult> {
  const { ground } = run
  const said: string[] = []
  const actions: StepAction[] = []
  for (const out of step.outs) {
    const change = await outChange(ground, out)
    if (change === undefined) continue
    said.push(`${out.path} is ${change}`)
    actions.push(await mendedOut(run, out))
  }
  const action = actions.includes('committed') ? 'committed' : (actions[0] ?? 'up-to-date')
  const reason = said.length === 0 ? 'nothing changed' : said.join(', ')
  run.emit({ kind: 'decided', step: step.name, action, reason })
  return { ...blank(step), action, reason }
}

async function mendedOut({ ground }: Run, out: Out): Promise<'restored' | 'committed'> {
  if (await ground.workspace.exists(out.path)) {
    const measured = await ground.workspace.measure(out.path)
    if (measured === undefined)
      throw new Problem('not-found', `${out.path} vanished while it was read`)
    if (out.cached) await ground.workspace.keep(out.path, measured)
    await ground.catalog.saveTracked(out.owner.file, out.path, measured.content)
    return 'committed'
  }
  const wanted =
    out.content !== undefined && (await ground.cache.holds(out.content))
      ? await measuredInCache(ground.cache, out.content)
      : undefined
  if (wanted === undefined)
    throw new Problem(
      'not-found',
      `${out.path} of ${out.owner.file} is neither in the workspace nor in the cache; run \`orrery pull ${out.path}\``,
    )
  await ground.workspace.restore(out.path, wanted, { force: false })
  return 'restored'
}

async function stageStep(
  run: Run,
  step: Extract<Step, { kind: 'stage' }>,
  place: Place,
): Promise<StepResult> {
  const { ground, options, recorder, pipelineRunId } = run
  const { stage } = step
  const look = lookAt(ground)
  const lock = run.locks.get(stage.address)
  const reason: Reason | undefined =
    options.force === true ? { kind: 'forced' } : await firstReason(stage, lock, look)
  const note = async (
    why: 'up-to-date' | 'restored',
    words: string,
    after: StageLock | undefined,
    because: readonly Reason[] = [],
  ) => {
    const outs = outRefs(stage, after)
    run.emit({ kind: 'decided', step: step.name, action: why, reason: words, reasons: because })
    await recorder.stageSkipped({ pipelineRunId, stage: stage.address, why, reason: words, outs })
    return { ...blank(step), action: why, reason: words, reasons: because, outs }
  }
  if (reason === undefined)
    return note('up-to-date', 'nothing that it reads or writes changed', lock)
  if (stage.frozen) return frozenStep(run, step, { stage, reason })
  const reasons = await whyOf(run, stage, { lock, look, first: reason })
  if (options.force !== true) {
    const earlier = await earlierRun(ground, stage, {
      lock,
      look,
      runCache: options.runCache ?? true,
      pull: options.pull ?? false,
    })
    if (earlier !== undefined) {
      run.emit({ kind: 'restoring', step: step.name, outs: outRefs(stage, earlier) })
      await restoreOuts(ground, stage, earlier)
      const after = await finishStage(ground, stage, lock)
      run.locks.set(stage.address, after)
      return note('restored', `${inWords(reason)}; the same run is in the cache`, after, reasons)
    }
  }
  if (!isAgreedTo(run, stage)) return heldBack(run, step, reasons)
  run.emit({ kind: 'decided', step: step.name, action: 'run', reason: inWords(reason), reasons })
  const why = reasons.map(explained)
  const result = await runStage(run, step, { stage, lock, place, reason: inWords(reason), why })
  return { ...result, reasons }
}

/** All reasons; of one that was forced, what is stale besides. */
async function whyOf(
  { ground }: Run,
  stage: Stage,
  { lock, look, first }: { lock: StageLock | undefined; look: Look; first: Reason },
): Promise<Reason[]> {
  const found = [
    ...(await withFiles(ground, await allReasons(stage, lock, look))),
    ...(await partsReasons(ground, stage)),
  ]
  return first.kind === 'forced' ? [first, ...found] : found
}

/** A frozen stage is never run; what is there counts as its output. */
async function frozenStep(
  run: Run,
  step: Step,
  { stage, reason }: { stage: Stage; reason: Reason },
): Promise<StepResult> {
  const lock = await finishStage(run.ground, stage, run.locks.get(stage.address))
  run.locks.set(stage.address, lock)
  const words = `${inWords(reason)}; it is frozen, so its outputs were taken as they are`
  run.emit({ kind: 'decided', step: step.name, action: 'committed', reason: words })
  return { ...blank(step), action: 'committed', reason: words, outs: outRefs(stage, lock) }
}

/** How a look at the project answers, for deciding what is stale. */
export function lookAt(ground: Pick<StageGround, 'workspace' | 'cache' | 'files'>): Look {
  return {
    content: async (path, as) => (await ground.workspace.measure(path, as))?.content,
    params: (path) => ground.files.values(path),
    dataset: (name) => ground.files.dataset(name),
    out: (out, locked) =>
      outChange(ground, { path: out.path, content: locked, cached: out.cached }),
  }
}
