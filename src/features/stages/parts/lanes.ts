import { PassThrough } from 'node:stream'
import { isAbsolute, join } from 'node:path'
import { failureOf, perform, STAGE_TIMEOUT_MS, type HowToExecute } from '../running/execution.ts'
import { logTail } from '../running/log-tail.ts'
import type { Divided, Part, StageParts } from './parts.ts'
import type { Bench, Workshop, WrittenFile } from './keeping.ts'
import type { PartsWatch } from './sight.ts'
import type { Run } from '../running/repro-run.ts'
import type { Stage } from '../stage.ts'
import type { Execution } from '../store.ts'

/** What processing parts of one stage needs. */
export interface PartsWork {
  readonly run: Run
  readonly stage: Stage
  readonly parts: StageParts
  /** The first of the stage's commands. */
  readonly command: string
  readonly how: Pick<HowToExecute, 'variables' | 'wrapped'>
  readonly onOutput: (text: string) => void
  readonly shared: Divided['shared']
  readonly workshop: Workshop
  readonly watch: PartsWatch
}

export type JobEnd =
  | { readonly kind: 'done'; readonly written: readonly WrittenFile[]; readonly bench: Bench }
  | { readonly kind: 'failed'; readonly why: string; readonly log: string }
  | { readonly kind: 'cancelled' }

/** Works on one job at a time. */
export interface Lane {
  work(parts: readonly Part[]): Promise<JobEnd>
  end(): Promise<void>
}

/** So much of what a part printed is told when it fails. */
const LOG_CHARS = 4000

/** A process for each job. */
export function processLane(work: PartsWork): Lane {
  const { workshop, shared } = work
  return {
    work: async (parts) => {
      const files = [...parts.flatMap((part) => part.files), ...shared]
      const bench = workshop.bench(
        files.map(({ path }) => ({ path, place: inputPlace(work, path) })),
      )
      const log = logTail(LOG_CHARS)
      const said = lineWise((line) => work.onOutput(`${nameOf(parts)} | ${line}\n`))
      const execution = await perform(work.run, work.stage, {
        ...work.how,
        commands: [work.command],
        variables: {
          ...work.how.variables,
          ORRERY_INPUT: bench.input,
          ORRERY_OUTPUT: bench.output,
        },
        timeoutMs: timeoutOf(work),
        sight: work.watch.sightIn({ input: [bench.input], output: bench.output }),
        onOutput: (text) => {
          log.add(text)
          said.add(text)
        },
        onStart: bench.runningAs,
      })
      said.end()
      const isKept = work.watch.take(execution)
      if (execution.kind === 'finished' && isKept)
        return { kind: 'done', written: bench.written(), bench }
      bench.remove()
      if (execution.kind === 'cancelled') return { kind: 'cancelled' }
      const why = isKept ? '' : 'it looked at what the stage does not declare'
      return { kind: 'failed', why: whyOf(work, execution) || why, log: log.text() }
    },
    end: async () => {},
  }
}

function nameOf(parts: readonly Part[]): string {
  const [first] = parts
  return parts.length > 1 ? `${first?.name} and ${parts.length - 1} more` : (first?.name ?? '')
}

function inputPlace({ run, parts }: PartsWork, path: string): string {
  const input = isAbsolute(parts.input) ? parts.input : join(run.ground.root, parts.input)
  return join(input, path)
}

function timeoutOf({ parts, stage, run }: PartsWork): number {
  return parts.timeoutMs ?? stage.timeoutMs ?? run.options.timeoutMs ?? STAGE_TIMEOUT_MS
}

function whyOf(work: PartsWork, execution: Execution): string {
  if (execution.kind === 'timed-out') return timedOut(work)
  return failureOf(execution)?.failure ?? ''
}

function timedOut(work: PartsWork): string {
  return `\`${work.command}\` was ended after ${timeoutOf(work) / 1000} s, the time that a part is given; give it more with meta.parts.timeout in dvc.yaml`
}

/** One process that is told of part after part, a line each, and answers when it has written what a part gives. */
export function workerLane(work: PartsWork): Lane {
  let worker: Worker | undefined
  return {
    work: async ([part]) => {
      if (part === undefined) return { kind: 'done', written: [], bench: work.workshop.bench([]) }
      worker ??= startedWorker(work)
      const bench = work.workshop.bench([])
      const answer = await worker.ask(part.name, {
        part: part.name,
        input: inputPlace(work, part.name),
        output: bench.output,
      })
      if (answer.kind === 'done') return { kind: 'done', written: bench.written(), bench }
      if (answer.isOver) {
        await worker.end()
        worker = undefined
      }
      bench.remove()
      return answer
    },
    end: async () => {
      await worker?.end()
    },
  }
}

type Answer =
  | { readonly kind: 'done' }
  | {
      readonly kind: 'failed'
      readonly why: string
      readonly log: string
      readonly isOver: boolean
    }
  | { readonly kind: 'cancelled'; readonly isOver: true }

interface Worker {
  ask(name: string, line: Readonly<Record<string, string>>): Promise<Answer>
  end(): Promise<void>
}

/** A worker that has nothing left to do is waited for so long. */
const ENDING_MS = 10_000

function startedWorker(work: PartsWork): Worker {
  const home = work.workshop.bench([])
  const input = new PassThrough()
  const stop = new AbortController()
  const { signal } = work.run.options
  let log = logTail(LOG_CHARS)
  let asked: { name: string; hear: (answer: Answer) => void } | undefined
  const fail = (why: string, isOver: boolean): Answer => ({
    kind: 'failed',
    why,
    log: log.text(),
    isOver,
  })
  const lines = lineWise((line) => {
    const answer = answerIn(line)
    if (answer === undefined || asked === undefined) {
      log.add(`${line}\n`)
      work.onOutput(`${asked === undefined ? '' : `${asked.name} | `}${line}\n`)
    } else if (answer.name !== asked.name)
      asked.hear(fail(`the worker answered for ${answer.name} when it was asked for it`, true))
    else asked.hear(answer.error === undefined ? { kind: 'done' } : fail(answer.error, false))
  })
  const ended = perform(work.run, work.stage, {
    ...work.how,
    commands: [work.command],
    variables: { ...work.how.variables, ORRERY_PARTS: 'lines' },
    // A worker lives for many parts, each of which has its own time.
    timeoutMs: Number.MAX_SAFE_INTEGER,
    signal: signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal]),
    input,
    sight: work.watch.sightIn({ input: [], output: work.workshop.folder }),
    onOutput: lines.add,
    onStart: home.runningAs,
  }).then((execution) => {
    lines.end()
    work.watch.take(execution)
    return execution
  })
  const over = async (): Promise<Answer> => {
    const execution = await ended
    if (execution.kind === 'cancelled') return { kind: 'cancelled', isOver: true }
    const how = failureOf(execution)?.failure ?? `\`${work.command}\` ended`
    return fail(`${how} before it answered with a line {"done": …}`, true)
  }
  return {
    ask: async (name, line) => {
      log = logTail(LOG_CHARS)
      let timer: NodeJS.Timeout | undefined
      const answer = new Promise<Answer>((hear) => {
        asked = { name, hear }
        timer = setTimeout(() => hear(fail(timedOut(work), true)), cappedMs(timeoutOf(work)))
      })
      input.write(`${JSON.stringify(line)}\n`)
      const heard = await Promise.race([answer, over()])
      clearTimeout(timer)
      asked = undefined
      if (heard.kind === 'failed' && heard.isOver) stop.abort()
      return heard
    },
    end: async () => {
      input.end()
      const timer = setTimeout(() => stop.abort(), ENDING_MS)
      await ended
      clearTimeout(timer)
      home.remove()
    },
  }
}

/** Node fires timers beyond this at once. */
function cappedMs(ms: number): number {
  return Math.min(ms, 2 ** 31 - 1)
}

/** A line that says which part is done, or failed and why; it may stand behind something that had no end of line. */
function answerIn(line: string): { name: string; error?: string } | undefined {
  const at = line.search(/\{\s*"(?:done|failed)"\s*:[^{]*\}\s*$/)
  if (at < 0) return undefined
  try {
    const said = JSON.parse(line.slice(at)) as { done?: unknown; failed?: unknown; error?: unknown }
    if (typeof said.done === 'string') return { name: said.done }
    if (typeof said.failed !== 'string') return undefined
    return { name: said.failed, error: typeof said.error === 'string' ? said.error : 'it failed' }
  } catch {
    return undefined
  }
}

function lineWise(put: (line: string) => void): { add(text: string): void; end(): void } {
  let rest = ''
  return {
    add: (text) => {
      const lines = (rest + text).split(/\r?\n/)
      rest = lines.pop() ?? ''
      for (const line of lines) put(line)
    },
    end: () => {
      if (rest !== '') put(rest)
      rest = ''
    },
  }
}
