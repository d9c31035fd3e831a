import type { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { Problem } from '#base/problem'
import type { StageOutcome } from '../recorder.ts'
import type { Run } from './repro-run.ts'
import type { Sight } from './sight.ts'
import { pathsRead, type Stage } from '../stage.ts'
import type { Execution, PreparedEnvironment } from '../store.ts'

/** Half a day: longer than any stage that is not hanging, short enough to be noticed. */
export const STAGE_TIMEOUT_MS = 12 * 3_600_000

export interface HowToExecute {
  readonly commands: readonly string[]
  readonly variables: Readonly<Record<string, string>>
  /** Where the environment is more than variables: the command that runs another one in it. */
  readonly wrapped?: PreparedEnvironment['wrapped']
  /** Undefined takes the stage's own time, or that of the run. */
  readonly timeoutMs?: number
  /** Undefined takes that of the run. */
  readonly signal?: AbortSignal
  /** Left out where the commands may see all that there is. */
  readonly sight?: Sight | undefined
  /** What the commands read from their standard input. */
  readonly input?: Readable
  readonly onOutput: (text: string) => void
  readonly onStart: (pid: number) => void
}

/** Runs commands of a stage while nobody else may change what they read, or read what they write. */
export function execute(run: Run, stage: Stage, how: HowToExecute): Promise<Execution> {
  return whileHeld(run, stage, () => perform(run, stage, how))
}

/** Does what may take long while the paths of a stage are held, and without a turn. */
export async function whileHeld<T>(run: Run, stage: Stage, work: () => Promise<T>): Promise<T> {
  const free = await heldPaths(run, stage)
  try {
    return await run.turn.outside(work)
  } finally {
    await free()
  }
}

/** Another dvc or orrery that works with a stage's paths is waited for so long. */
const BUSY_MS_MAX = 60_000
const BUSY_LOOK_MS = 100

async function heldPaths(
  { ground, options, turn, emit }: Run,
  stage: Stage,
): Promise<() => Promise<void>> {
  const paths = {
    read: [...pathsRead(stage), ...stage.params.map(({ path }) => path)],
    write: stage.outs.map(({ path }) => path),
  }
  for (let waitedMs = 0; ; waitedMs += BUSY_LOOK_MS) {
    try {
      return await ground.holdPaths(paths)
    } catch (error) {
      const isBusy = error instanceof Problem && error.code === 'unavailable'
      if (!isBusy || waitedMs >= BUSY_MS_MAX || options.signal?.aborted === true) throw error
      if (waitedMs === 0) emit({ kind: 'progress', text: `waiting: ${error.message}` })
      // Whoever has them needs the project's lock to give them back.
      await turn.outside(() => sleep(BUSY_LOOK_MS))
    }
  }
}

/** Runs commands of a stage, whose paths are held, as its environment needs them. */
export async function perform(
  { ground, options }: Run,
  stage: Stage,
  how: HowToExecute,
): Promise<Execution> {
  const environment = { ...how.variables, DVC_ROOT: ground.root, DVC_STAGE: stage.address }
  const at = { folder: stage.wdir, variables: Object.keys(environment) }
  const commands = how.commands.map((command) => how.wrapped?.(command, at) ?? command)
  const signal = how.signal ?? options.signal
  const execution = await ground.executor.run({
    commands,
    folder: stage.wdir,
    environment,
    timeoutMs: how.timeoutMs ?? stage.timeoutMs ?? options.timeoutMs ?? STAGE_TIMEOUT_MS,
    ...(signal === undefined ? {} : { signal }),
    ...(how.sight === undefined ? {} : { sight: how.sight }),
    ...(how.input === undefined ? {} : { input: how.input }),
    onOutput: how.onOutput,
    onStart: how.onStart,
  })
  if (!('command' in execution)) return execution
  // As the stage has it, not as its environment needs it.
  const written = how.commands[commands.indexOf(execution.command)]
  return { ...execution, command: written ?? execution.command }
}

/** What a person is told of commands that did not end well; null where they did. */
export function failureOf(execution: Execution): { outcome: StageOutcome; failure: string } | null {
  if (execution.kind === 'finished') return null
  if (execution.kind === 'cancelled') return { outcome: 'killed', failure: 'it was cancelled' }
  const { kind, command } = execution
  if (kind === 'failed')
    return { outcome: 'failed', failure: `\`${command}\` ended with exit code ${execution.code}` }
  const how =
    kind === 'killed'
      ? `by ${execution.signal}`
      : `after ${Math.round(execution.afterMs / 1000)} s, the time it is given; give it more with meta.timeout in dvc.yaml`
  return { outcome: 'killed', failure: `\`${command}\` was ended ${how}` }
}
