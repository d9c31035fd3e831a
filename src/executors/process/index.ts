import { spawn, type ChildProcess } from 'node:child_process'
import { basename, join } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { StringDecoder } from 'node:string_decoder'
import { Problem } from '#base/problem'
import type { Execution, ExecutionStep, Executor } from '#stages'
import { endProcessesWith } from './marked.ts'

export { endProcessesWith } from './marked.ts'

/** Runs commands as processes of this machine, each in a group of its own and with its number in its environment, so that it ends with all that it started. */
export function processExecutor(options: {
  root: string
  /** The person's shell, by which dvc runs commands too. */
  shell: string
  /** What processes get besides their step's own variables. */
  environment: Readonly<Record<string, string | undefined>>
}): Executor {
  return {
    run: async (step) => {
      for (const command of step.commands) {
        if (step.signal?.aborted === true) return { kind: 'cancelled' }
        const execution = await runCommand(options, step, command)
        if (execution.kind !== 'finished') return execution
      }
      return { kind: 'finished' }
    },
  }
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
  options: Parameters<typeof processExecutor>[0],
  step: ExecutionStep,
  command: string,
): Promise<Execution> {
  const child = spawn(
    '/bin/sh',
    ['-c', GATE, 'sh', options.shell, ...quiet(options.shell), '-c', command],
    {
      cwd: join(options.root, step.folder),
      env: { ...options.environment, ...step.environment },
      detached: true,
      stdio: [step.input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe', 'pipe'],
    },
  )
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
    // The shell is gone; whatever it started and was asked to end as well has no more time.
    if (ending !== undefined) {
      signalGroup(child, 'SIGKILL')
      endProcessesWith('ORRERY_COMMAND', String(child.pid))
    }
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
