import { Problem } from '#base/problem'
import { ownerAmong, type Part } from './parts.ts'
import type { Bench, DonePart, PartsLedger, WrittenFile } from './keeping.ts'
import { processLane, workerLane, type Lane, type PartsWork } from './lanes.ts'

export interface PartFailure {
  readonly part: string
  readonly why: string
  /** The end of what it printed. */
  readonly log: string
}

export interface Processed {
  readonly failures: readonly PartFailure[]
  readonly cancelled: boolean
}

/** After so many it is the command that is wrong: the rest would fail as well. */
const FAILURES_MAX = 10

/** Processes parts, several at once; what each gives is kept as soon as it is there. */
export async function processed(
  work: PartsWork,
  ledger: PartsLedger,
  todo: readonly Part[],
): Promise<Processed> {
  const queue = jobsOf(work, todo)
  const taker = createTaker((done) => work.run.turn.within(() => ledger.take(done)))
  const failures: PartFailure[] = []
  // What a worker looked at is known when it has ended.
  const late: { parts: readonly DonePart[]; bench: Bench }[] = []
  const isLate = work.parts.worker && work.watch.isStrict
  let cancelled = false
  const tended = async (lane: Lane) => {
    try {
      for (let job = queue.shift(); job !== undefined; job = queue.shift()) {
        if (cancelled || failures.length >= FAILURES_MAX || taker.isBroken()) return
        const end = await worked(work, lane, job)
        if (end.kind === 'cancelled') cancelled = true
        else if (end.kind === 'done' && isLate) late.push(end)
        else if (end.kind === 'done') await taker.add(end.parts, end.bench)
        else if (job.parts.length > 1)
          // One by one it shows which it is.
          queue.unshift(...job.parts.map((part) => ({ parts: [part], failed: 0 })))
        else if (job.failed + 1 < work.parts.tries) {
          work.onOutput(`${nameOf(job)} | ${end.why}; tried again\n`)
          queue.unshift({ ...job, failed: job.failed + 1 })
        } else failures.push({ part: nameOf(job), why: end.why, log: end.log })
      }
    } finally {
      await lane.end()
    }
  }
  const lanes = Math.min(lanesOf(work), queue.length)
  const outcomes = await Promise.allSettled(
    Array.from({ length: lanes }, () =>
      tended(work.parts.worker ? workerLane(work) : processLane(work)),
    ),
  )
  if (work.watch.objection() === null)
    for (const { parts, bench } of late) await taker.add(parts, bench)
  await taker.end()
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason
  return { failures, cancelled: cancelled || work.run.options.signal?.aborted === true }
}

interface Job {
  readonly parts: readonly Part[]
  readonly failed: number
}

function nameOf({ parts }: Job): string {
  return parts[0]?.name ?? ''
}

function jobsOf({ parts: { batch } }: PartsWork, todo: readonly Part[]): Job[] {
  return Array.from({ length: Math.ceil(todo.length / batch) }, (_, index) => ({
    parts: todo.slice(index * batch, (index + 1) * batch),
    failed: 0,
  }))
}

/** A stage that says what it takes of the machine stays within it; undeclared it has the machine for itself. */
function lanesOf({ parts, stage, run }: PartsWork): number {
  return parts.jobs ?? Math.max(1, Math.floor(stage.resources?.cpus ?? run.ground.machine.cpus))
}

type Worked =
  | { readonly kind: 'done'; readonly parts: readonly DonePart[]; readonly bench: Bench }
  | { readonly kind: 'failed'; readonly why: string; readonly log: string }
  | { readonly kind: 'cancelled' }

async function worked(work: PartsWork, lane: Lane, job: Job): Promise<Worked> {
  try {
    const end = await lane.work(job.parts)
    if (end.kind !== 'done') return end
    return {
      kind: 'done',
      parts: sharedOut(work, job, await notIgnored(work, end.written)),
      bench: end.bench,
    }
  } catch (error) {
    if (!(error instanceof Problem) || error.code !== 'invalid') throw error
    return { kind: 'failed', why: error.message, log: '' }
  }
}

/** What the project's rules leave out of its data is no part of it here either. */
async function notIgnored(
  { run, parts }: PartsWork,
  written: readonly WrittenFile[],
): Promise<WrittenFile[]> {
  const kept: WrittenFile[] = []
  for (const file of written)
    if (!(await run.ground.workspace.isIgnored(`${parts.output}/${file.path}`))) kept.push(file)
  return kept
}

/** Which part each file comes from. */
function sharedOut({ parts }: PartsWork, job: Job, written: readonly WrittenFile[]): DonePart[] {
  const { writes } = parts
  const [only] = job.parts
  if (writes === undefined) return only === undefined ? [] : [{ part: only, files: written }]
  const ownerOf = ownerAmong(
    job.parts.map(({ name }) => name),
    writes,
  )
  const shares = new Map<string, WrittenFile[]>(job.parts.map(({ name }) => [name, []]))
  for (const file of written) {
    const owner = ownerOf(file.path)
    if (owner === undefined)
      throw new Problem(
        'invalid',
        `it wrote ${file.path}, which no part writes as meta.parts.writes has it: '${writes}'`,
      )
    shares.get(owner)?.push(file)
  }
  return job.parts.map((part) => ({ part, files: shares.get(part.name) ?? [] }))
}

/** So many may wait to be kept before parts wait for them. */
const WAITING_MAX = 256

/** Keeps what has come while the last of it was kept: many that come at once share the waiting for the disk. */
function createTaker(take: (done: readonly DonePart[]) => Promise<unknown>) {
  let waiting: { parts: readonly DonePart[]; bench: Bench }[] = []
  let working: Promise<void> | undefined
  let fault: { error: unknown } | undefined
  const drain = async () => {
    try {
      while (waiting.length > 0) {
        const some = waiting
        waiting = []
        await take(some.flatMap(({ parts }) => parts))
        for (const { bench } of some) bench.remove()
      }
    } catch (error) {
      fault = { error }
    }
    working = undefined
  }
  return {
    isBroken: () => fault !== undefined,
    add: async (parts: readonly DonePart[], bench: Bench) => {
      waiting.push({ parts, bench })
      working ??= drain()
      if (waiting.length > WAITING_MAX) await working
    },
    end: async () => {
      await working
      if (fault !== undefined) throw fault.error
    },
  }
}
