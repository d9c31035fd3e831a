import type { Clock } from '#base/clock'
import { messageOf, Problem } from '#base/problem'
import type { Logger } from '#base/logger'
import { platformActor, type Actor, type Entry } from '#ledger'
import { triggersOf, type Project, type Projects, type Trigger, type TriggerOf } from '#projects'
import type { AutomationTx } from './firing.ts'
import { schedulesOf, tellTicks } from './schedules.ts'
import type { AutomationReads, MarkName } from './store.ts'

/** What lies outside and is looked at again and again. */
export interface Outside {
  /** The commits that branches of a project's origin have, as last fetched. */
  heads(project: Project, branches: readonly string[]): Promise<ReadonlyMap<string, string>>
  /** The commit that a branch, a tag or a commit's beginning means at a project's origin. Throws `not-found`. */
  commitOf(project: Project, rev: string): Promise<string>
  /** The newest version of a table that a project names. Throws a problem where it cannot be read. */
  newestTable(project: Project, table: string): Promise<{ version: number; address: string }>
}

/** A call from outside that has proven where it comes from. */
export interface HookCall {
  readonly project: string
  readonly hook: string
  readonly from: string
  /** What happened there, in the caller's own word; empty where it has none. */
  readonly event: string
  /** What makes this call one of its kind: sent again, it is the same call. */
  readonly key: string
  /** The branch that was pushed, if one was. */
  readonly push: { readonly branch: string; readonly commit: string } | undefined
}

export interface PolicyCall {
  readonly project: string
  readonly policy: string
  readonly reason: string | null
  readonly set: readonly string[]
  /** A branch, a tag or a commit; the project's newest commit without. */
  readonly rev: string | null
  /** Two calls with one key are one call. */
  readonly key: string | null
}

/** What lets policies know that something has happened: it goes into the ledger, once. */
export interface Triggers {
  /** Looks which schedules are due. */
  tick(): Promise<void>
  /** Fetches a project's origin, and looks which of its branches and tables have moved. */
  watch(project: string, pushed?: string): Promise<void>
  /** Takes a call of a hook; false where it was taken before. */
  call(call: HookCall): Promise<boolean>
  /** A person sets a policy off. Gives where in the ledger that stands. */
  trigger(actor: Actor, call: PolicyCall): Promise<number>
}

export const WATCH_PROJECT = 'watch-project'

/** Who has not looked for so long was not looking. */
const BREAK_MS = 60_000

interface Dependencies {
  readonly read: AutomationReads
  readonly transact: <T>(work: (tx: AutomationTx) => Promise<T>) => Promise<T>
  readonly projects: Projects
  readonly outside: Outside
  readonly clock: Clock
  readonly logger: Logger
}

export function createTriggers(dependencies: Dependencies): Triggers {
  const { projects, transact, clock } = dependencies
  let look = { atMs: -Infinity, sinceMs: 0 }

  return {
    tick: async () => {
      const nowMs = clock.nowMs()
      const hadBreak = nowMs - look.atMs > BREAK_MS
      look = { atMs: nowMs, sinceMs: hadBreak ? nowMs : look.sinceMs }
      const schedules = schedulesOf(await projects.list())
      await tellTicks(dependencies, schedules, { nowMs, sinceMs: look.sinceMs })
    },
    watch: async (name, pushed) => {
      await watchOrigin(dependencies, name, pushed)
      await watchTables(dependencies, await projects.get(name))
    },
    call: (call) => transact((tx) => takeCall(tx, call, clock.nowMs())),
    trigger: async (actor, call) => {
      const project = await projects.get(call.project)
      assertPolicy(project, call.policy)
      const rev = call.rev === null ? null : await dependencies.outside.commitOf(project, call.rev)
      return transact((tx) =>
        takeOrder(tx, { actor, call: { ...call, rev }, nowMs: clock.nowMs() }),
      )
    },
  }
}

/** Throws `not-found` with the names that there are. */
export function assertPolicy({ name, config }: Project, policy: string): void {
  if (Object.hasOwn(config.policies, policy)) return
  const known = Object.keys(config.policies).join(', ') || 'none'
  throw new Problem(
    'not-found',
    `the project ${name} has no policy ${policy}; its orrery.yaml has ${known}`,
  )
}

/** The triggers of one kind that a project's policies have. */
export function triggersIn<Kind extends Trigger['kind']>(
  { config }: Project,
  kind: Kind,
): TriggerOf<Kind>[] {
  return Object.values(config.policies)
    .flatMap(triggersOf)
    .filter((trigger): trigger is TriggerOf<Kind> => trigger.kind === kind)
}

async function watchOrigin(
  { projects, outside, transact, clock, logger }: Dependencies,
  name: string,
  pushed: string | undefined,
): Promise<void> {
  try {
    await projects.sync(platformActor('projects'), name)
  } catch (error) {
    // Other branches may have moved all the same.
    logger.warn({ project: name, error: messageOf(error) }, 'could not take in a commit')
  }
  const project = await projects.get(name)
  const branches = [...new Set(triggersIn(project, 'push').map(({ branch }) => branch))]
  if (branches.length === 0) return
  const heads = await outside.heads(project, branches)
  for (const [branch, commit] of heads)
    await transact((tx) =>
      noteHead(tx, {
        at: { project: name, branch, commit },
        isNews: branch === pushed,
        nowMs: clock.nowMs(),
      }),
    )
}

/** Tells that a branch has another commit than when it was last looked at. The first look tells nothing. */
export async function noteHead(
  { automation, ledger }: AutomationTx,
  head: {
    at: { project: string; branch: string; commit: string }
    /** Whether somebody has told that it moved, so that the first look tells it too. */
    isNews?: boolean
    nowMs: number
  },
): Promise<void> {
  const { project, branch, commit } = head.at
  const name: MarkName = { kind: 'branch', project, name: branch }
  const before = await automation.mark(name)
  if (before?.value === commit) return
  await automation.saveMark({ ...name, value: commit, atMs: head.nowMs })
  if (before === undefined && head.isNews !== true) return
  await ledger.append(platformActor('projects'), [
    {
      type: 'branch-pushed',
      data: { project, branch, commit, previous: before?.value ?? null },
    },
  ])
}

/** What a new commit of the branch that a project follows means for those who wait for pushes. */
export async function noteSynced(tx: AutomationTx, entry: Entry, nowMs: number): Promise<void> {
  const { project, branch, commit } = entry.data as Record<string, string>
  if (project === undefined || branch === undefined || commit === undefined) return
  await noteHead(tx, { at: { project, branch, commit }, nowMs })
}

async function watchTables(
  { outside, transact, clock, logger }: Dependencies,
  project: Project,
): Promise<void> {
  const tables = new Set(triggersIn(project, 'delta').map(({ table }) => table))
  for (const table of tables)
    try {
      const { version, address } = await outside.newestTable(project, table)
      await transact((tx) =>
        noteTable(tx, { project: project.name, table, version, address, nowMs: clock.nowMs() }),
      )
    } catch (error) {
      logger.warn(
        { project: project.name, table, error: messageOf(error) },
        'could not look at a table; will look again',
      )
    }
}

async function noteTable(
  { automation, ledger }: AutomationTx,
  at: { project: string; table: string; version: number; address: string; nowMs: number },
): Promise<void> {
  const { project, table, version, address } = at
  const name: MarkName = { kind: 'table', project, name: table }
  const before = await automation.mark(name)
  if (before?.value === String(version)) return
  await automation.saveMark({ ...name, value: String(version), atMs: at.nowMs })
  if (before === undefined) return
  await ledger.append(platformActor('tables'), [
    {
      type: 'table-version-added',
      data: { project, table, version, previous: Number(before.value), address },
    },
  ])
}

async function takeCall(tx: AutomationTx, call: HookCall, nowMs: number): Promise<boolean> {
  const { project, hook, from, event, key, push } = call
  if (!(await tx.automation.takeKey(project, `${hook} ${key}`, nowMs))) return false
  const [position] = await tx.ledger.append({ kind: 'service', id: `hook:${project}/${hook}` }, [
    {
      type: 'hook-called',
      data: {
        project,
        hook,
        from,
        event,
        key,
        branch: push?.branch ?? null,
        commit: push?.commit ?? null,
      },
    },
  ])
  if (push !== undefined)
    await tx.work.enqueue([
      {
        kind: WATCH_PROJECT,
        key: `${WATCH_PROJECT}:${position}`,
        payload: { project, branch: push.branch },
      },
    ])
  return true
}

async function takeOrder(
  tx: AutomationTx,
  { actor, call, nowMs }: { actor: Actor; call: PolicyCall; nowMs: number },
): Promise<number> {
  const { project, policy, reason, set, rev, key } = call
  const name = `trigger ${policy} ${key}`
  if (key !== null && !(await tx.automation.takeKey(project, name, nowMs)))
    throw new Problem('exists', `${policy} of ${project} was set off with the key ${key} before`)
  const [position = 0] = await tx.ledger.append(actor, [
    { type: 'policy-triggered', data: { project, policy, reason, set: [...set], rev, key } },
  ])
  return position
}
