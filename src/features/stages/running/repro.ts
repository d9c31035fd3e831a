import { messageOf } from '#base/problem'
import { lockToken } from './finish.ts'
import { dependents, graphOf, type Graph, type Step } from '../graph/graph.ts'
import { isLeftOut, isWaiting } from './approval.ts'
import { inLockOrder } from './lock-order.ts'
import { noRecorder, type StageOutcome } from '../recorder.ts'
import {
  blank,
  type ReproGround,
  type ReproOptions,
  type ReproResult,
  type Run,
  type StepResult,
} from './repro-run.ts'
import { dataIn } from './followed.ts'
import { keeping, orderedWork } from './ordered.ts'
import { checkRoom, createRoom, type Place } from './room.ts'
import { selected } from '../graph/selection.ts'
import { scheduled } from './schedule.ts'
import type { LoadedPipelines } from '../store.ts'
import { createTurn } from './turn.ts'

/** Brings steps up to date, each after what it needs. */
export async function repro(
  ground: ReproGround,
  loaded: LoadedPipelines,
  options: ReproOptions,
): Promise<ReproResult> {
  const graph = graphOf(loaded.stages, loaded.tracked)
  const order = selected(graph, options)
  for (const step of order)
    if (step.kind === 'stage') checkRoom(ground.machine, step.name, step.stage.resources ?? {})
  const recorder = options.recorder ?? noRecorder
  const turn = createTurn(ground.brief)
  try {
    const { pipelineRunId } = await turn.within(async () =>
      recorder.pipelineStarted({
        ...(options.recorder === undefined ? UNRECORDED : await originOf(ground)),
        stages: order.flatMap((step) => (step.kind === 'stage' ? [step.name] : [])),
      }),
    )
    const environment = onceEach((name: string | undefined) =>
      ground.environments.prepare(
        name,
        (text) => options.onEvent?.({ kind: 'progress', text }),
        options.signal,
      ),
    )
    const locks = new Map(loaded.locks)
    const emit = options.onEvent ?? (() => {})
    let commit: Promise<number | undefined> | undefined
    const commitSeconds = () => (commit ??= Promise.resolve(ground.commitSeconds?.()))
    const made = { recorder, pipelineRunId, locks, emit, environment, commitSeconds, turn }
    const files = inLockOrder(ground.files, order, loaded)
    const isData = dataIn(graph)
    const run: Run = { ground: { ...keeping(ground, options), files }, options, isData, ...made }
    return await recorded(run, () => allSteps(run, graph, order))
  } finally {
    turn.end()
  }
}

const UNRECORDED = { project: '', commit: null, branch: null, dirty: false }

async function originOf(ground: ReproGround) {
  return { project: await ground.project(), ...(await ground.versionState()) }
}

/** The steps' results, and the end of the pipeline run on record however it came about. */
async function recorded(run: Run, work: () => Promise<StepResult[]>): Promise<ReproResult> {
  const { recorder, pipelineRunId, ground } = run
  const end = (outcome: StageOutcome, reason: string | null) =>
    run.turn.within(async () =>
      recorder.pipelineFinished({
        pipelineRunId,
        outcome,
        reason,
        lockDigest: recorder === noRecorder ? null : await ground.files.lockDigest(),
      }),
    )
  let steps: StepResult[]
  try {
    steps = await work()
  } catch (error) {
    await end('failed', messageOf(error))
    throw error
  }
  // What stands for an approval is gone on with later, under the same id.
  if (isWaiting(steps)) return { outcome: 'waiting', pipelineRunId, steps }
  const bad = steps.find(({ outcome }) => outcome !== 'succeeded')
  const outcome = bad?.outcome ?? 'succeeded'
  await end(outcome, bad === undefined ? null : `${bad.name}: ${bad.failure ?? ''}`)
  return { outcome, pipelineRunId, steps }
}

async function allSteps(run: Run, graph: Graph, order: readonly Step[]): Promise<StepResult[]> {
  const { ground, options } = run
  const undone = await run.turn.within(() =>
    ground.aside.recover((stage) => lockToken(run.locks.get(stage))),
  )
  for (const stage of undone)
    run.emit({
      kind: 'progress',
      text: `${stage} was interrupted earlier; its old outputs are back`,
    })
  const room = createRoom(ground.machine, options.jobs)
  const without = new Set<string>()
  const work = orderedWork(run, graph)
  return scheduled({
    order,
    upstream: graph.upstream,
    enter: (step) =>
      step.kind === 'data' || without.has(step.name) ? NO_ROOM : room.enter(step.stage.resources),
    work: async (step, place) => {
      const result = without.has(step.name) ? skipped(run, step) : await work(step, place)
      run.emit({ kind: 'finished', step: result })
      if (options.ignoreErrors === true) return result
      if (result.outcome !== 'succeeded' && result.action !== 'skipped')
        for (const name of dependents(graph, step.name)) without.add(name)
      return result
    },
    endsAll: ({ outcome, action }) =>
      outcome === 'killed' || (outcome === 'failed' && !isLeftOut(action) && !goesOn(options)),
  })
}

function goesOn({ keepGoing, ignoreErrors }: ReproOptions): boolean {
  return keepGoing === true || ignoreErrors === true
}

/** For what runs no command. */
const NO_ROOM: Place = { gpus: [], leave: () => {} }

function skipped(run: Run, step: Step): StepResult {
  const reason = 'a stage that it needs failed'
  run.emit({ kind: 'decided', step: step.name, action: 'skipped', reason })
  return { ...blank(step), action: 'skipped', outcome: 'failed', reason, failure: reason }
}

function onceEach<A, T>(make: (argument: A) => Promise<T>): (argument: A) => Promise<T> {
  const made = new Map<A, Promise<T>>()
  return (argument) => {
    const known = made.get(argument) ?? make(argument)
    made.set(argument, known)
    return known
  }
}
