import { appendFileSync, mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { messageOf, Problem } from '#base/problem'
import { endProcessesWith } from '#executors/process/index'
import type { ReproOptions, ReproResult } from '#stages'
import { celeryMessage, FAILED, QUEUED, queuedIn, queuedMessage } from '#protocols/dvc/experiments'
import type { Task } from '#stores/dvc/experiment-tasks'
import { nameFor, type ExperimentGround } from './ground.ts'
import { runApart, startingPoint, type ExperimentOrder } from './runs.ts'

export type { Task } from '#stores/dvc/experiment-tasks'

/** An experiment that waits for a worker. */
export interface Waiting {
  readonly stash: string
  readonly name: string
  readonly baseline: string
  readonly head: string
  readonly queuedAtMs: number
}

/** What of an order survives until a worker takes it on. */
interface Packed {
  readonly targets?: readonly string[]
  readonly force?: boolean
  readonly singleItem?: boolean
  readonly keepGoing?: boolean
  readonly runCache?: boolean
  readonly message?: string
  readonly copy?: readonly string[]
  readonly replace?: boolean
}

export interface ExperimentQueue {
  add(order: ExperimentOrder & { readonly copy?: readonly string[] }): Promise<Waiting>
  /** The oldest first. */
  waiting(): Promise<Waiting[]>
  /** Taken on by a worker: those that run and those that ended. What a killed worker left waits again. */
  tasks(): Promise<Task[]>
  /** Works on what waits, so many at once, until nothing waits or somebody asks to stop. */
  work(how: {
    readonly jobs: number
    readonly signal?: AbortSignal
    readonly repro: (name: string) => Omit<ReproOptions, 'targets'>
    readonly onEnd?: (task: Task) => void
    readonly onStart?: (task: Task) => void
  }): Promise<Task[]>
  workers(): { readonly pid: number }[]
  /** Workers end once what they run has ended; with `kill`, that is ended, too. */
  stop(how: { readonly kill: boolean }): Promise<string[]>
  /** Ends those that run; gives their names. */
  kill(words: readonly string[]): Promise<string[]>
  /** Takes them out of the queue, or out of the list of those that ended. */
  remove(which: {
    readonly names?: readonly string[]
    readonly queued?: boolean
    readonly failed?: boolean
    readonly success?: boolean
  }): Promise<string[]>
  /** The file with what it printed. */
  log(word: string): Promise<{ readonly task: Task; readonly file: string; isRunning(): boolean }>
}

const MARK = 'orrery: '

export function openQueue(ground: ExperimentGround): ExperimentQueue {
  const { tasks, workers } = ground
  const waiting = () => waitingIn(ground)
  return {
    add: (order) => added(ground, order),
    waiting,
    tasks: async () => {
      await adopted(ground)
      return tasks.all()
    },
    work: (how) => worked(ground, how),
    workers: () => workers.all(),
    stop: async ({ kill }) => {
      workers.askToStop()
      const running = kill ? tasks.all().filter(({ status }) => status === 'running') : []
      for (const { stash } of running) tasks.askToStop(stash)
      return running.map(({ name }) => name)
    },
    kill: async (words) => {
      await adopted(ground)
      const running = tasks.all().filter(({ status }) => status === 'running')
      const meant = words.map((word) => found(running, word, 'runs'))
      for (const { stash } of meant) tasks.askToStop(stash)
      return meant.map(({ name }) => name)
    },
    remove: (which) => removed(ground, which),
    log: async (word) => {
      await adopted(ground)
      const task = found(tasks.all(), word, 'was started')
      const isRunning = () => {
        const now = tasks.read(task.stash)
        return now?.status === 'running' && tasks.isAlive(now)
      }
      return { task, file: tasks.log(task.stash), isRunning }
    },
  }
}

function found<T extends { name: string; stash: string }>(
  among: readonly T[],
  word: string,
  verb: string,
): T {
  const named = among.filter(({ name, stash }) => name === word || stash.startsWith(word))
  const last = named.at(-1)
  if (last !== undefined) return last
  throw new Problem(
    'not-found',
    `no experiment ${word} ${verb}; \`orrery exp queue status\` lists them`,
  )
}

async function added(
  ground: ExperimentGround,
  order: ExperimentOrder & { readonly copy?: readonly string[] },
): Promise<Waiting> {
  const { git, clock, broker, ids } = ground
  const { tree, head } = await startingPoint(ground, order)
  return ground.alone(async () => {
    const names = (await waitingIn(ground)).map(({ name }) => name)
    const force = order.replace === true
    const name = await nameFor(ground, { name: order.name, baseline: head, force, taken: names })
    const message = queuedMessage({ head, baseline: head, name })
    // dvc reads such a commit as one of `git stash`, whose second parent is the index.
    const index = await git.commit(await git.treeOf(head), [head], `index on ${name}`)
    const words = `${message}\n\n${MARK}${JSON.stringify(packed(order))}\n`
    const stash = await git.commit(tree, [head, index], words)
    await git.putOn(QUEUED, stash, message)
    const task = { stash, name, baseline: head, head, queuedAtMs: clock.nowMs() }
    const where = { root: ground.root, top: git.top }
    const uuids = { id: uuidOf(ids.hex32()), tag: uuidOf(ids.hex32()) }
    broker.put(
      `${task.queuedAtMs}_${uuids.tag}.celery.msg`,
      celeryMessage({ ...task, ...where }, uuids),
    )
    return task
  })
}

function uuidOf(hex: string): string {
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

function packed({
  repro,
  message,
  replace,
  copy,
}: ExperimentOrder & { copy?: readonly string[] }): Packed {
  const { targets, force, singleItem, keepGoing, runCache } = repro
  return JSON.parse(
    JSON.stringify({ targets, force, singleItem, keepGoing, runCache, message, copy, replace }),
  ) as Packed
}

async function unpacked({ git }: ExperimentGround, stash: string): Promise<Packed> {
  const line = (await git.bodyOf(stash)).split('\n').find((each) => each.startsWith(MARK))
  if (line === undefined) return {}
  try {
    return JSON.parse(line.slice(MARK.length)) as Packed
  } catch {
    // dvc, or somebody, wrote it otherwise: then it runs with nothing special.
    return {}
  }
}

async function waitingIn({ git }: ExperimentGround): Promise<Waiting[]> {
  const newestFirst = await git.logged(QUEUED)
  return newestFirst.toReversed().flatMap(({ commit, message, atMs }) => {
    const said = queuedIn(message)
    return said === undefined ? [] : [{ stash: commit, ...said, queuedAtMs: atMs }]
  })
}

/** What a worker had taken on that is gone, waits again. */
async function adopted(ground: ExperimentGround): Promise<void> {
  const lost = () =>
    ground.tasks.all().filter((task) => task.status === 'running' && !ground.tasks.isAlive(task))
  if (lost().length === 0) return
  await ground.alone(async () => {
    const waiting = new Set((await waitingIn(ground)).map(({ stash }) => stash))
    for (const { stash, head, baseline, name } of lost()) {
      if (!waiting.has(stash))
        await ground.git.putOn(QUEUED, stash, queuedMessage({ head, baseline, name }))
      // Stages outlive a worker that was killed: their folder goes now.
      endProcessesWith('DVC_ROOT', join(ground.tasks.work(stash), ground.git.prefix))
      await ground.git.dropWorkTree(ground.tasks.work(stash))
      ground.tasks.remove(stash)
    }
  })
}

async function worked(
  ground: ExperimentGround,
  how: Parameters<ExperimentQueue['work']>[0],
): Promise<Task[]> {
  await adopted(ground)
  const ended: Task[] = []
  const sinceMs = ground.clock.nowMs()
  const leave = ground.workers.enter()
  const hand = async () => {
    while (how.signal?.aborted !== true && !ground.workers.isAskedToStop(sinceMs)) {
      const task = await taken(ground)
      if (task === undefined) return
      how.onStart?.(task)
      const end = await performed(ground, task, how)
      ended.push(end)
      how.onEnd?.(end)
    }
  }
  try {
    await Promise.all(Array.from({ length: Math.max(1, how.jobs) }, hand))
    return ended
  } finally {
    leave()
  }
}

/** The next one that waits, now a task of this process; undefined where none does. */
async function taken(ground: ExperimentGround): Promise<Task | undefined> {
  return ground.alone(async () => {
    const [next] = await waitingIn(ground)
    if (next === undefined) return undefined
    const task: Task = {
      ...next,
      status: 'running',
      startedAtMs: ground.clock.nowMs(),
      ...ground.tasks.own(),
    }
    // Noted before it leaves the queue: after a crash it is in both, and waits again.
    ground.tasks.save(task)
    await ground.git.takeOff(QUEUED, next.stash)
    ground.broker.remove(next.stash)
    return task
  })
}

async function performed(
  ground: ExperimentGround,
  task: Task,
  how: Parameters<ExperimentQueue['work']>[0],
): Promise<Task> {
  const { git, tasks, clock } = ground
  const stopping = new AbortController()
  const stop = () => stopping.abort()
  how.signal?.addEventListener('abort', stop, { once: true })
  const watch = setInterval(() => {
    if (tasks.isAskedToStop(task.stash)) stop()
  }, 250)
  const ended = (rest: Pick<Task, 'status' | 'reason' | 'commit'>): Task => ({
    ...task,
    ...rest,
    endedAtMs: clock.nowMs(),
  })
  let end: Task
  try {
    const { message, copy = [], targets = [], ...flags } = await unpacked(ground, task.stash)
    const { replace: _replace, ...options } = flags
    const given = how.repro(task.name)
    const result = await runApart(ground, {
      tree: await git.treeOf(task.stash),
      baseline: task.baseline,
      name: task.name,
      message,
      folder: tasks.work(task.stash),
      copy,
      repro: {
        ...given,
        ...options,
        targets,
        signal: stopping.signal,
        onEvent: logged(ground, task, given),
      },
    })
    end =
      result.commit === null
        ? ended({
            status: stopping.signal.aborted ? 'killed' : 'failed',
            reason: reasonOf(result.repro),
          })
        : ended({ status: 'success', commit: result.commit })
  } catch (error) {
    end = ended({ status: stopping.signal.aborted ? 'killed' : 'failed', reason: messageOf(error) })
  } finally {
    clearInterval(watch)
    how.signal?.removeEventListener('abort', stop)
  }
  if (end.status !== 'success')
    await ground.alone(() => git.putOn(FAILED, task.stash, queuedMessage(task)))
  tasks.save(end)
  return end
}

function reasonOf({ steps, outcome }: ReproResult): string {
  const bad = steps.find((step) => step.outcome !== 'succeeded')
  return bad === undefined ? outcome : `${bad.name}: ${bad.failure ?? bad.outcome}`
}

/** Keeps what the stages print, and passes it on. */
function logged(
  { tasks }: ExperimentGround,
  task: Task,
  given: Omit<ReproOptions, 'targets'>,
): NonNullable<ReproOptions['onEvent']> {
  const file = tasks.log(task.stash)
  mkdirSync(dirname(file), { recursive: true })
  return (event) => {
    if (event.kind === 'output') appendFileSync(file, event.text)
    else if (event.kind === 'started')
      appendFileSync(file, event.commands.map((command) => `${event.step} > ${command}\n`).join(''))
    else if (event.kind === 'finished' && event.step.failure !== null)
      appendFileSync(file, `${event.step.name}: failed: ${event.step.failure}\n`)
    given.onEvent?.(event)
  }
}

async function removed(
  ground: ExperimentGround,
  which: Parameters<ExperimentQueue['remove']>[0],
): Promise<string[]> {
  await adopted(ground)
  return ground.alone(async () => {
    const { git, tasks } = ground
    const { names = [], queued = false, failed = false, success = false } = which
    const isNamed = ({ name, stash }: { name: string; stash: string }) =>
      names.some((word) => word === name || (word.length >= 4 && stash.startsWith(word)))
    const gone: string[] = []
    for (const each of await waitingIn(ground)) {
      if (!queued && !isNamed(each)) continue
      await git.takeOff(QUEUED, each.stash)
      ground.broker.remove(each.stash)
      gone.push(each.name)
    }
    for (const task of tasks.all()) {
      const isMeant =
        (failed && (task.status === 'failed' || task.status === 'killed')) ||
        (success && task.status === 'success') ||
        isNamed(task)
      if (!isMeant || task.status === 'running') continue
      await git.takeOff(FAILED, task.stash)
      tasks.remove(task.stash)
      gone.push(task.name)
    }
    const lost = names.find((word) => !gone.includes(word) && word.length > 0 && gone.length === 0)
    if (lost !== undefined)
      throw new Problem(
        'not-found',
        `no experiment ${lost} waits or has ended; \`orrery exp queue status\` lists them, and \`kill\` ends one that runs`,
      )
    return gone
  })
}
