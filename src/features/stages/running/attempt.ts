import { setTimeout as sleep } from 'node:timers/promises'
import { messageOf } from '#base/problem'
import type { DataRef } from '#data'
import { checksOf, lostFor, refusalOf } from './checks.ts'
import type { Attempt, Done } from './done.ts'
import { execute, failureOf } from './execution.ts'
import { watchedSparingly } from './followed.ts'
import type { Step } from '../graph/graph.ts'
import { logTail } from './log-tail.ts'
import { blank, isExpected, type Run, type StepResult } from './repro-run.ts'
import {
  depRefs,
  finishStage,
  inputsOf,
  lockToken,
  metricsOf,
  namedParams,
  outRefs,
} from './finish.ts'
import { NOTHING_PINNED, pinned, type Pinned } from './pinned.ts'
import { attemptByParts } from '../parts/attempt.ts'
import type { Place } from './room.ts'
import type { SightReport } from './sight.ts'
import type { Stage, StageLock } from '../stage.ts'
import type { Execution, PreparedEnvironment } from '../store.ts'
import { reportPaths } from './test-report.ts'
import { objectionOf, reportOf } from './watching.ts'

/** What is told of why a stage ran; with more, everything changed. */
const WHY_MAX = 100

/** A stage that has to run, and why: the first reason, and all of them with old and new. */
export interface Due {
  readonly stage: Stage
  readonly lock: StageLock | undefined
  readonly place: Place
  readonly reason: string
  readonly why: readonly string[]
}

/** Runs a stage and records it. */
export async function runStage(
  run: Run,
  step: Step,
  { stage, lock, place, reason, why }: Due,
): Promise<StepResult> {
  const { ground, recorder, pipelineRunId } = run
  const inputs = await inputsOf(ground, stage, lock)
  const checks = await run.turn.outside(() => checksOf(run, stage))
  const refused = refusalOf(checks) ?? (await run.turn.outside(() => lostFor(run, stage)))
  const environment =
    refused === undefined
      ? await run.turn.outside(() => run.environment(stage.environment))
      : NOT_PREPARED
  const watching = await run.turn.outside(() =>
    watchedSparingly(run, stage, { inputs, environment }),
  )
  const held = await pinnedFor(run, stage)
  const started = await recorder.stageStarted({
    pipelineRunId,
    stage: stage.address,
    command: stage.cmd,
    params: namedParams(inputs.params),
    deps: depRefs(stage, inputs.deps),
    environment: environment.record,
    why: why.slice(0, WHY_MAX),
    ...(checks === undefined ? {} : { checks }),
    pinned: held,
  })
  const commands = commandsOf(stage)
  if (refused === undefined)
    run.emit({ kind: 'started', step: step.name, commands, runId: started.runId })
  const log = logTail()
  const done: Done =
    refused === undefined
      ? await attempts(run, stage, {
          lock,
          commands,
          variables: {
            ...held.variables,
            ...environment.variables,
            ...started.environment,
            ...cardsOf(stage, place),
          },
          wrapped: environment.wrapped,
          environment: environment.record?.digest,
          watching,
          onOutput: (text) => {
            log.add(text)
            recorder.stageSaid?.({ pipelineRunId, stage: stage.address, text })
            run.emit({ kind: 'output', step: step.name, text })
          },
        })
      : { outcome: 'failed', failure: refused, lock: undefined }
  const outs = await tellEnd(run, stage, { runId: started.runId, done, log })
  return {
    ...blank(step),
    action: 'run',
    outcome: done.outcome,
    reason,
    failure: done.failure,
    runId: started.runId === '' ? null : started.runId,
    outs,
    ...(done.sight === undefined ? {} : { sight: done.sight }),
    ...(done.parts === undefined ? {} : { parts: done.parts }),
  }
}

/** Puts on record how it ended; gives its outs as others name them. */
async function tellEnd(
  run: Run,
  stage: Stage,
  { runId, done, log }: { runId: string; done: Done; log: ReturnType<typeof logTail> },
): Promise<DataRef[]> {
  const { ground, recorder, pipelineRunId } = run
  const outs = outRefs(stage, done.lock)
  if (done.lock !== undefined) await tellPlots(run, stage, { runId, log })
  await recorder.stageFinished({
    pipelineRunId,
    stage: stage.address,
    runId,
    outcome: done.outcome,
    reason: done.failure,
    outs,
    metrics: done.lock === undefined ? {} : await metricsOf(ground, stage),
    logTail: log.text(),
    ...(done.tests === undefined ? {} : { tests: done.tests }),
    ...(done.sight === undefined ? {} : { sight: done.sight }),
  })
  return outs
}

/** A stage that declares graphics cards sees those that are its own; others see what the machine has. */
function cardsOf({ resources }: Stage, { gpus }: Place): Record<string, string> {
  return resources?.gpus === undefined ? {} : { CUDA_VISIBLE_DEVICES: gpus.join(',') }
}

async function pinnedFor({ ground, commitSeconds }: Run, stage: Stage): Promise<Pinned> {
  if (stage.pin === false) return NOTHING_PINNED
  const { own = {} } = ground.environments
  return pinned(stage, {
    cpus: ground.machine.cpus,
    own,
    commitSeconds: await commitSeconds(),
  })
}

/** Plots are to be looked at: a run that lacks some is no worse for it. */
async function tellPlots(
  { ground, recorder, pipelineRunId }: Run,
  stage: Stage,
  { runId, log }: { runId: string; log: ReturnType<typeof logTail> },
): Promise<void> {
  if (recorder.stageDrew === undefined || ground.plots === undefined) return
  try {
    const files = await ground.plots.of(stage)
    if (files.length === 0) return
    await recorder.stageDrew({ pipelineRunId, stage: stage.address, runId, files })
  } catch (error) {
    if (!isExpected(error)) throw error
    log.add(`its plots were not kept: ${messageOf(error)}\n`)
  }
}

/** A stage that must not run needs nothing to run in. */
const NOT_PREPARED: PreparedEnvironment = { variables: {}, record: null }

/** Tries again as often as the stage may be, unless somebody wants it to end. */
async function attempts(run: Run, stage: Stage, how: Attempt): Promise<Done> {
  const { times, waitMs } = stage.retries ?? { times: 0, waitMs: 0 }
  const { signal } = run.options
  const ended = async (done: Done) => {
    await how.watching?.took?.(done.sight, done.failure)
    return done
  }
  for (let failed = 1; ; failed++) {
    const done = await (stage.parts === undefined
      ? attempt(run, stage, how)
      : attemptByParts(run, stage, stage.parts, how))
    if (done.failure === null || failed > times || signal?.aborted === true) return ended(done)
    // What it does not declare will not be declared the next time either.
    if (done.sight?.watch === 'strict' && done.sight.outcome === 'undeclared') return ended(done)
    const pauseMs = waitMs * 2 ** (failed - 1)
    how.onOutput(
      `attempt ${failed} of ${times + 1} failed: ${done.failure}; again in ${pauseMs / 1000} s\n`,
    )
    await run.turn.outside(() => pause(pauseMs, signal))
  }
}

/** Ends early, and quietly, when the signal does. */
async function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  await sleep(ms, undefined, signal === undefined ? {} : { signal }).catch((error: unknown) => {
    if (signal?.aborted !== true) throw error
  })
}

/** Runs the commands with the old outs set aside, and keeps either all that is new or all that was there. */
async function attempt(run: Run, stage: Stage, { lock, ...how }: Attempt): Promise<Done> {
  const { ground } = run
  const replaced = stage.outs.filter(({ persist }) => !persist).map(({ path }) => path)
  for (const { path, persist } of stage.outs) if (persist) await ground.workspace.unlink(path)
  const aside = await ground.aside.setAside(stage.address, replaced, lockToken(lock))
  let finished: StageLock | undefined
  try {
    const onStart = (pid: number) => aside.runningAs(pid)
    const { sight } = how.watching ?? {}
    const execution = await execute(run, stage, { ...how, sight, onStart })
    const { failure, ...seen } = watched(stage, how, execution)
    // Of tests that failed the report is what matters, and it goes with the outputs.
    const told = { ...seen, ...(await testsOf(run, stage, how)) }
    if (failure !== null) return { ...failure, ...told, lock: undefined }
    finished = await finishStage(ground, stage, lock)
    run.locks.set(stage.address, finished)
    return { outcome: 'succeeded', failure: null, lock: finished, ...told }
  } catch (error) {
    if (!isExpected(error)) throw error
    return { outcome: 'failed', failure: messageOf(error), lock: undefined }
  } finally {
    await (finished === undefined ? aside.putBack() : aside.drop())
  }
}

/** What its report says of the tests that it ran, if it writes one. */
async function testsOf(
  { ground }: Run,
  stage: Stage,
  { onOutput }: Pick<Attempt, 'onOutput'>,
): Promise<Pick<Done, 'tests'>> {
  const paths = reportPaths(stage)
  if (paths.length === 0 || ground.tests === undefined) return {}
  const { cases, complaints } = await ground.tests.read(paths)
  for (const each of complaints) onOutput(`${each}\n`)
  return cases.length === 0 ? {} : { tests: cases }
}

/** How the commands did, and whether the stage kept to what it declares. */
function watched(
  stage: Stage,
  { watching, onOutput }: Omit<Attempt, 'lock'>,
  execution: Execution,
): { failure: ReturnType<typeof failureOf>; sight?: SightReport } {
  const failure = failureOf(execution)
  if (watching === undefined) return { failure }
  const sight = reportOf(stage, watching, execution)
  const objection = objectionOf(stage, sight)
  if (objection === null) return { failure, sight }
  if (sight.watch !== 'strict') {
    onOutput(`not declared:\n  ${objection}\n`)
    return { failure, sight }
  }
  const first = failure === null ? '' : `${failure.failure}; `
  const outcome = failure?.outcome ?? 'failed'
  return { failure: { outcome, failure: `${first}not declared:\n  ${objection}` }, sight }
}

/** Text of several lines is several commands, each in a shell of its own, as DVC does it. */
function commandsOf(stage: Stage): string[] {
  const lines = typeof stage.cmd === 'string' ? stage.cmd.split(/\r?\n/) : stage.cmd
  return lines.filter((line) => line.trim() !== '')
}
