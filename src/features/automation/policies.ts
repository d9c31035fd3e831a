import { Problem } from '#base/problem'
import type { Actor, Entry, LedgerReads } from '#ledger'
import { FINDING_TYPES, type AlertKind } from '#monitoring'
import {
  durationMs,
  triggersOf,
  type PolicyConfig,
  type Project,
  type Projects,
  type Trigger,
} from '#projects'
import { causeOf, isFinding } from './cause.ts'
import { concurrencyOf, decide, restBy, type Rest } from './decision.ts'
import {
  endRun,
  standingOf,
  startQueued,
  unhelpfulRuns,
  type AutomationTx,
  type Surroundings,
} from './firing.ts'
import { minuteOf } from './minute.ts'
import { FINDING_KINDS, type PolicyRun } from './policy-run.ts'
import { comingTicks, schedulesOf, type ComingTick } from './schedules.ts'
import type { AutomationReads } from './store.ts'
import { assertPolicy, type PolicyCall, type Triggers } from './triggers.ts'

/** A policy as people are shown it. */
export interface ShownPolicy {
  readonly project: string
  readonly name: string
  readonly config: PolicyConfig
  readonly triggers: readonly Trigger[]
  readonly concurrency: { group: string; limit: number; whenBusy: string }
  readonly budget: { runs: number; per: string; used: number } | null
  /** When it acts on what happens by itself again; those that are over by the wall clock are left out. */
  readonly rests: readonly Rest[]
  readonly next: ComingTick | null
  readonly last: PolicyRun | null
  readonly open: readonly PolicyRun[]
}

/** What would come of one trigger. */
export interface Preview {
  readonly trigger: Trigger
  readonly atMs: number
  readonly act: 'run' | 'queue' | 'skip' | 'nothing'
  readonly why: string
}

/** What a policy decided, as the ledger has it. */
export interface ShownDecision {
  readonly position: number
  readonly atMs: number
  readonly type: string
  readonly project: string
  readonly policy: string
  readonly endpoint: string | null
  readonly policyRun: string | null
  readonly why: string
  readonly cause: number | null
  readonly causeType: string
}

export interface Policies {
  /** In the order of project and name. */
  list(page: {
    limit: number
    after?: string
    project?: string
    /** Only those that wait for findings there. */
    endpoint?: string
  }): Promise<ShownPolicy[]>
  /** Throws `not-found`. */
  get(project: string, policy: string): Promise<ShownPolicy>
  coming(of: { limit: number; project?: string; policy?: string }): Promise<ComingTick[]>
  /** Newest first. */
  decisions(page: {
    limit: number
    before?: number
    project?: string
    policy?: string
  }): Promise<{ decisions: ShownDecision[]; next: number | null }>
  /** What each trigger of a policy would do at that time or now, as things stand. Changes nothing. */
  preview(project: string, policy: string, atMs: number | undefined): Promise<Preview[]>
  /** Sets a policy off, and gives what it decided once that is known. */
  trigger(actor: Actor, call: PolicyCall): Promise<ShownDecision>
  /** Ends a run that runs or waits. Throws `conflict` for one that is over. */
  cancel(actor: Actor, policyRun: string, reason: string | null): Promise<PolicyRun>
}

const DECISIONS = [
  'policy-fired',
  'policy-queued',
  'policy-skipped',
  'schedule-missed',
  'policy-outcome',
  'policy-gave-up',
] as const
const PAGE = 200
/** Entries that one page of decisions may look through. */
const LOOKED_AT_MAX = 20_000

interface Dependencies {
  readonly read: AutomationReads
  readonly ledger: LedgerReads
  readonly transact: <T>(work: (tx: AutomationTx) => Promise<T>) => Promise<T>
  readonly projects: Projects
  readonly triggers: Triggers
  readonly surroundings: (projects: readonly Project[]) => Surroundings
  /** Resolves when the followers have caught up. */
  readonly caughtUp: () => Promise<void>
}

export function createPolicies(dependencies: Dependencies): Policies {
  const { read, transact, projects, triggers, surroundings, ledger } = dependencies
  const nowMs = () => surroundings([]).clock.nowMs()

  const show = (project: Project, name: string) => shown(read, { project, name, nowMs: nowMs() })

  return {
    list: async ({ limit, after, project: wanted, endpoint }) => {
      const all = (await projects.list())
        .filter(({ name }) => wanted === undefined || name === wanted)
        .flatMap((project) =>
          Object.entries(project.config.policies)
            .filter(([, policy]) => endpoint === undefined || watches(policy, endpoint))
            .map(([name]) => ({ project, name, key: `${project.name}/${name}` })),
        )
        .toSorted((a, b) => (a.key < b.key ? -1 : 1))
        .filter(({ key }) => after === undefined || key > after)
      return Promise.all(all.slice(0, limit).map(({ project, name }) => show(project, name)))
    },
    get: async (project, policy) => {
      const found = await projects.get(project)
      assertPolicy(found, policy)
      return show(found, policy)
    },
    coming: async ({ limit, project, policy }) => {
      const schedules = schedulesOf(await projects.list()).filter(
        (each) =>
          (project === undefined || each.project === project) &&
          (policy === undefined || each.policy === policy),
      )
      return comingTicks(schedules, { afterMs: nowMs(), limit })
    },
    decisions: (page) => decisionsIn(ledger, page),
    preview: async (name, policy, atMs = nowMs()) => {
      const project = await projects.get(name)
      assertPolicy(project, policy)
      return previewOf(dependencies, { project, name: policy, atMs })
    },
    trigger: async (actor, call) => {
      const position = await triggers.trigger(actor, call)
      await dependencies.caughtUp()
      return decisionAfter(ledger, position)
    },
    cancel: (actor, policyRun, reason) =>
      transact((tx) => cancelRun(tx, { actor, policyRun, reason, nowMs: nowMs() })),
  }
}

function watches(policy: PolicyConfig, endpoint: string): boolean {
  return triggersOf(policy).some((each) => isFinding(each) && each.endpoint === endpoint)
}

async function shown(
  read: AutomationReads,
  at: { project: Project; name: string; nowMs: number },
): Promise<ShownPolicy> {
  const { project, name, nowMs } = at
  const config = project.config.policies[name] as PolicyConfig
  const { group, limit, whenBusy } = concurrencyOf(config, { project: project.name, name })
  const schedules = schedulesOf([project]).filter(({ policy }) => policy === name)
  const [next] = comingTicks(schedules, { afterMs: nowMs, limit: 1 })
  const { budget } = config
  return {
    project: project.name,
    name,
    config,
    triggers: triggersOf(config),
    concurrency: { group, limit, whenBusy: whenBusy ?? 'queue, findings skip' },
    budget:
      budget === undefined
        ? null
        : {
            ...budget,
            used: await read.countSince(project.name, name, nowMs - durationMs(budget.per) + 1),
          },
    rests: await restsOf(read, { project: project.name, name, config, nowMs }),
    next: next ?? null,
    last: (await read.newest(project.name, name)) ?? null,
    open: (await read.open()).filter((run) => run.project === project.name && run.policy === name),
  }
}

async function restsOf(
  read: AutomationReads,
  at: { project: string; name: string; config: PolicyConfig; nowMs: number },
): Promise<Rest[]> {
  const { project, name, config, nowMs } = at
  const standing = {
    last: await read.newest(project, name),
    lastFinding: await read.newest(project, name, FINDING_KINDS),
    unhelpful: config.backoff === undefined ? 0 : await unhelpfulRuns(read, project, name),
  }
  const triggers = triggersOf(config)
  const clocks = (['event', 'wall'] as const).filter((clock) =>
    triggers.some((each) => each.kind !== 'manual' && isFinding(each) === (clock === 'event')),
  )
  return clocks.flatMap((clock) => {
    const rest = restBy(clock, config, standing)
    return rest === undefined || (clock === 'wall' && rest.untilMs <= nowMs) ? [] : [rest]
  })
}

async function decisionsIn(
  ledger: LedgerReads,
  page: { limit: number; before?: number; project?: string; policy?: string },
): Promise<{ decisions: ShownDecision[]; next: number | null }> {
  const { limit, project, policy } = page
  const decisions: ShownDecision[] = []
  let { before } = page
  for (let seen = 0; seen < LOOKED_AT_MAX; seen += PAGE) {
    const entries = await ledger.newest({
      limit: PAGE,
      types: DECISIONS,
      ...(before === undefined ? {} : { before }),
    })
    for (const entry of entries) {
      before = entry.position
      const decision = decisionOf(entry)
      if (project !== undefined && decision.project !== project) continue
      if (policy !== undefined && decision.policy !== policy) continue
      decisions.push(decision)
      if (decisions.length === limit) return { decisions, next: before }
    }
    if (entries.length < PAGE) return { decisions, next: null }
  }
  return { decisions, next: before ?? null }
}

async function decisionAfter(ledger: LedgerReads, position: number): Promise<ShownDecision> {
  const entries = await ledger.list({ after: position, limit: PAGE, types: DECISIONS })
  const entry = entries.find(({ data }) => data['cause'] === position)
  if (entry !== undefined) return decisionOf(entry)
  throw new Problem(
    'unavailable',
    `it stands in the ledger at ${position}, but nothing was decided about it yet; "orrery policies" tells when`,
  )
}

function decisionOf({ position, atMs, type, data }: Entry): ShownDecision {
  const text = (name: string) => (typeof data[name] === 'string' ? data[name] : '')
  const { cause, policyRun, endpoint } = data
  return {
    position,
    atMs,
    type,
    project: text('project'),
    policy: text('policy'),
    endpoint: typeof endpoint === 'string' ? endpoint : null,
    policyRun: typeof policyRun === 'string' ? policyRun : null,
    why: text('why'),
    cause: typeof cause === 'number' ? cause : null,
    causeType: text('causeType'),
  }
}

async function previewOf(
  { read, surroundings }: Dependencies,
  { project, name, atMs }: { project: Project; name: string; atMs: number },
): Promise<Preview[]> {
  const policy = project.config.policies[name] as PolicyConfig
  const previews: Preview[] = []
  for (const trigger of triggersOf(policy)) {
    const whenMs = trigger.kind === 'schedule' ? tickAfter(project, name, trigger, atMs) : atMs
    if (whenMs === undefined) {
      const why = `${name} has no tick of ${trigger.kind === 'schedule' ? trigger.cron : ''} after ${minuteOf(atMs)}: it is switched off.`
      previews.push({ trigger, atMs, act: 'nothing', why })
      continue
    }
    const entry = supposed(trigger, { project, name, atMs: whenMs })
    const cause = causeOf(entry, { project: project.name, name, policy })
    if (cause === undefined) continue
    const world = surroundings([project])
    const then = { ...world, clock: { nowMs: () => whenMs } }
    const about = { project, name, policy, cause, entry: undefined }
    const decision = decide({ name, policy }, cause, await standingOf(read, about, then))
    previews.push({ trigger, atMs: whenMs, act: decision.act, why: decision.why })
  }
  return previews
}

function tickAfter(
  project: Project,
  name: string,
  { cron, timezone }: { cron: string; timezone: string },
  atMs: number,
): number | undefined {
  const schedules = schedulesOf([project]).filter(
    ({ policy, schedule }) =>
      policy === name && schedule.cron === cron && schedule.timezone === timezone,
  )
  // A tick at that very time is meant too.
  return comingTicks(schedules, { afterMs: atMs - 1, limit: 1 })[0]?.atMs
}

/** An entry that would set that trigger off. */
function supposed(
  trigger: Trigger,
  { project, name, atMs }: { project: Project; name: string; atMs: number },
): Entry {
  const tick = new Date(atMs).toISOString()
  const own = { project: project.name }
  const window = (endpoint: string) => {
    const { monitor } = project.config.endpoints[endpoint] ?? {}
    const start = new Date(atMs - durationMs(monitor?.window.size ?? '1d')).toISOString()
    return { window: 'that ends then', start, end: tick }
  }
  const [type, data] = ((): [string, Entry['data']] => {
    switch (trigger.kind) {
      case 'drift':
        return ['drift-detected', { endpoint: trigger.endpoint, ...window(trigger.endpoint) }]
      case 'performance':
        return ['performance-fell', { endpoint: trigger.endpoint, ...window(trigger.endpoint) }]
      case 'alert': {
        const { endpoint, kinds, subjects, severity } = trigger
        const subject = subjects[0] ?? ''
        const told = FINDING_TYPES[(kinds[0] ?? 'drift') as AlertKind]
        return [told, { endpoint, subject, severity, ...window(endpoint) }]
      }
      case 'schedule':
        return [
          'schedule-ticked',
          { ...own, policy: name, cron: trigger.cron, timezone: trigger.timezone, tick },
        ]
      case 'data':
        return ['dataset-version-added', { ...own, path: trigger.path, md5: '(new)' }]
      case 'delta':
        return ['table-version-added', { ...own, table: trigger.table, version: '(new)' }]
      case 'push':
        return ['branch-pushed', { ...own, branch: trigger.branch, commit: '(new)' }]
      case 'webhook':
        return ['hook-called', { ...own, hook: trigger.hook, event: '' }]
      case 'event':
        return [trigger.type, { ...trigger.where }]
      case 'manual':
    }
    return ['policy-triggered', { ...own, policy: name, reason: null }]
  })()
  const actor: Actor = { kind: 'user', id: 'somebody' }
  return { type, data, position: 0, atMs, eventMs: atMs, actor, edges: [] }
}

async function cancelRun(
  tx: AutomationTx,
  asked: { actor: Actor; policyRun: string; reason: string | null; nowMs: number },
): Promise<PolicyRun> {
  const { actor, policyRun, reason, nowMs } = asked
  const run = await tx.automation.find(policyRun)
  if (run === undefined)
    throw new Problem(
      'not-found',
      `there is no policy run ${policyRun}; "orrery policies runs" lists them`,
    )
  if (run.state !== 'running' && run.state !== 'queued')
    throw new Problem('conflict', `the policy run ${policyRun} ${run.state} already`)
  const ended: PolicyRun = { ...run, state: 'cancelled', reason, endedMs: nowMs }
  await endRun(tx, ended, actor)
  await startQueued(tx, nowMs)
  return ended
}
