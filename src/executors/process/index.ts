import { spawn, type ChildProcess } from 'node:child_process'
import { basename, join } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { StringDecoder } from 'node:string_decoder'
import { Problem } from '#base/problem'
import type { Enclosure, Execution, ExecutionStep, Executor } from '#stages'
import { endProcessesWith, leftBehindBy } from './marked.ts'

export { endProcessesWith } from './marked.ts'

interface ProcessOptions {
  readonly root: string
  /** The person's shell, by which dvc runs commands too. */
  readonly shell: string
  /** What processes get besides their step's own variables. */
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Makes the place for commands that may see only part of what there is. */
  readonly enclose?: (step: ExecutionStep) => Promise<Enclosure>
}

/** Runs commands as processes of this machine, each in a group of its own and with its number in its environment, so that it ends with all that it started. */
export function processExecutor(options: ProcessOptions): Executor {
  return {
    run: async (step) => {
      if (step.sight === undefined || options.enclose === undefined)
        return runAll(options, step, openGround(options, step))
      const enclosure = await options.enclose(step)
      const execution = await runAll(options, step, enclosure).catch(async (error: unknown) => {
        await enclosure.end()
        throw error
      })
      return { ...execution, seen: await enclosure.end() }
    },
  }
}

type Place = Pick<Enclosure, 'words' | 'environment'>

/** Where a command sees all that there is. */
function openGround(options: ProcessOptions, step: ExecutionStep): Place {
  return {
    words: (inner) => [...inner],
    environment: { ...options.environment, ...step.environment },
  }
}

async function runAll(
  options: ProcessOptions,
  step: ExecutionStep,
  place: Place,
): Promise<Execution> {
  for (const command of step.commands) {
    if (step.signal?.aborted === true) return { kind: 'cancelled' }
    const execution = await runCommand(options, { ...step, command }, place)
    if (execution.kind !== 'finished') return execution
  }
  return { kind: 'finished' }
}

/** After being asked to end, before it is made to. */
const GRACE_MS = 5000
/** Output that comes after the end is from processes left behind; they are not waited for. */
const DRAIN_MS = 500

/**
 * Waits until its number is on record before it becomes the command: should this program be killed in
 * between, the command never starts, and so nothing runs that the next program would not know of. That
 * number goes into its environment, by which those are found that leave its group.
 */
const GATE =
  'read -r go <&3 || exit 125; exec 3<&-; ORRERY_COMMAND=$$; export ORRERY_COMMAND; exec "$@"'

async function runCommand(
  options: ProcessOptions,
  step: ExecutionStep & { readonly command: string },
  place: Place,
): Promise<Execution> {
  const { command } = step
  const shell = [options.shell, ...quiet(options.shell), '-c', command]
  const beganMs = performance.now()
  const child = spawn('/bin/sh', ['-c', GATE, 'sh', ...place.words(shell)], {
    cwd: join(options.root, step.folder),
    env: place.environment,
    detached: true,
    stdio: [step.input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe', 'pipe'],
  })
  const begun: Begun = { pid: child.pid, beganMs }
  if (child.stdin !== null) feed(child.stdin, step.input)
  const outputs = [child.stdout, child.stderr].filter((stream) => stream !== null)
  const listening = outputs.map((stream) => listen(stream, step.onOutput))
  let ending: Execution | undefined
  let force: NodeJS.Timeout | undefined
  const end = (why: Execution) => {
    ending ??= why
    signalGroup(child, 'SIGTERM')
    force ??= setTimeout(() => signalGroup(child, 'SIGKILL'), GRACE_MS)
  }
  const cancel = () => end({ kind: 'cancelled' })
  const timer = setTimeout(
    () => end({ kind: 'timed-out', command, afterMs: step.timeoutMs }),
    cappedMs(step.timeoutMs),
  )
  step.signal?.addEventListener('abort', cancel)
  try {
    const { code, signal } = await exitOf(child, {
      options,
      folder: step.folder,
      onStart: step.onStart,
    })
    if (ending !== undefined) {
      // Inside an enclosure it is not the shell that has gone, but who waited for it.
      if (step.sight !== undefined) await untilNothingIsLeft(begun, GRACE_MS)
      // Whatever it started and was asked to end as well has no more time.
      signalGroup(child, 'SIGKILL')
      endProcessesWith('ORRERY_COMMAND', String(child.pid))
    } else await endLeftBehind(begun, child, step)
    await Promise.race([
      Promise.all(listening),
      new Promise((resolve) => setTimeout(resolve, DRAIN_MS)),
    ])
    if (ending !== undefined) return ending
    if (signal !== null) return { kind: 'killed', command, signal }
    return code === 0 ? { kind: 'finished' } : { kind: 'failed', command, code: code ?? -1 }
  } finally {
    clearTimeout(timer)
    clearTimeout(force)
    step.signal?.removeEventListener('abort', cancel)
    for (const stream of outputs) stream.destroy()
  }
}

function exitOf(
  child: ChildProcess,
  about: {
    options: { shell: string; root: string }
    folder: string
    onStart: (pid: number) => void
  },
): Promise<{ code: number | null; signal: NodeJS.Signals | null }> {
  return new Promise((resolve, reject) => {
    child.on('error', (error) =>
      reject(
        new Problem(
          'unavailable',
          `the shell ${about.options.shell} cannot be started in ${join(about.options.root, about.folder)}: ${error.message}`,
        ),
      ),
    )
    child.on('exit', (code, signal) => resolve({ code, signal }))
    if (child.pid === undefined) return
    about.onStart(child.pid)
    const gate = child.stdio[3] as Writable
    gate.on('error', () => {})
    gate.end('go\n')
  })
}

/** A command's process, and when it began, by the clock of `performance`. */
interface Begun {
  readonly pid: number | undefined
  readonly beganMs: number
}

/** What a command leaves running would go on writing to outs that are being kept: it ends, and that is told. */
async function endLeftBehind(
  begun: Begun,
  child: ChildProcess,
  { command, onOutput }: ExecutionStep & { readonly command: string },
): Promise<void> {
  const left = await untilNothingIsLeft(begun, DRAIN_MS)
  if (left.length === 0) return
  signalGroup(child, 'SIGKILL')
  endProcessesWith('ORRERY_COMMAND', String(child.pid))
  const how = left.length === 1 ? 'a process' : `${left.length} processes`
  onOutput(
    `\`${command}\` ended and left ${how} behind (${left.slice(0, LEFT_TOLD_MAX).join(', ')}), which had to end too\n`,
  )
}

const LEFT_TOLD_MAX = 5
const LOOK_MS = 20

/** Names of what is left of a command after this time; a pipe's last reader needs a moment to finish its file. */
async function untilNothingIsLeft({ pid, beganMs }: Begun, withinMs: number): Promise<string[]> {
  if (pid === undefined) return []
  for (let waitedMs = 0; ; waitedMs += LOOK_MS) {
    const left = leftBehindBy(pid, performance.now() - beganMs)
    if (left.length === 0 || waitedMs >= withinMs) return left
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
  }
}

/** A command may end without having read all; what it did not read is dropped. */
function feed(stdin: Writable, input: Readable | undefined): void {
  stdin.on('error', () => input?.resume())
  input?.pipe(stdin)
}

/** Settings of the person's shell must not change what a stage does. */
function quiet(shell: string): string[] {
  if (basename(shell) === 'bash') return ['--noprofile', '--norc']
  return basename(shell) === 'zsh' ? ['--no-rcs'] : []
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return
  try {
    process.kill(-child.pid, signal)
  } catch {
    // The group is gone.
  }
}

function listen(stream: NodeJS.ReadableStream, onOutput: (text: string) => void): Promise<void> {
  const decoder = new StringDecoder('utf8')
  return new Promise((resolve) => {
    stream.on('data', (chunk: Buffer) => {
      const text = decoder.write(chunk)
      if (text !== '') onOutput(text)
    })
    stream.on('close', () => {
      const rest = decoder.end()
      if (rest !== '') onOutput(rest)
      resolve()
    })
  })
}

/** Node fires timers beyond this at once. */
function cappedMs(ms: number): number {
  return Math.min(ms, 2 ** 31 - 1)
}
