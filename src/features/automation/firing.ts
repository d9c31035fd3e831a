import type { Clock } from '#base/clock'
import { platformActor, type Actor, type Entry, type LedgerWrites } from '#ledger'
import { durationMs, triggersOf, type PolicyConfig, type Project } from '#projects'
import type { WorkWrites } from '#work'
import { causeOf, CAUSE_TYPES, isFinding, type Cause } from './cause.ts'
import { latestPaths } from './data.ts'
import { concurrencyOf, decide, type Decision, type Standing } from './decision.ts'
import {
  FINDING_KINDS,
  policyFired,
  policyQueued,
  policyRunFinished,
  policySkipped,
  promotionAfter,
  type PolicyRun,
} from './policy-run.ts'
import type { AutomationReads, AutomationWrites } from './store.ts'

export interface AutomationTx {
  readonly automation: AutomationWrites
  readonly work: WorkWrites
  readonly ledger: LedgerWrites
}

export const RUN_POLICY = 'run-policy'

/** What decisions need to know of the other features. */
export interface Surroundings {
  readonly projects: readonly Project[]
  /** Whether a pipeline has already succeeded with the versions that the project's data has now. */
  hasRunWith(project: Project, paths: readonly string[]): Promise<boolean>
  /** The policy run that an entry is a consequence of. */
  policyRunBehind(entry: Entry): Promise<string | undefined>
  readonly clock: Clock
}

/** The types of entries that policies wait for. */
export function awaitedTypes(projects: readonly Project[]): string[] {
  const named = projects.flatMap(({ config }) =>
    Object.values(config.policies)
      .flatMap(triggersOf)
      .flatMap((trigger) => (trigger.kind === 'event' ? [trigger.type] : [])),
  )
  return [...new Set([...CAUSE_TYPES, ...named])]
}

/** Lets each policy that waits for an entry decide what to do about it. Called for each entry once, inside the follower's transaction. */
export async function firePolicies(
  entry: Entry,
  tx: AutomationTx,
  world: Surroundings,
): Promise<void> {
  for (const project of world.projects)
    for (const [name, policy] of Object.entries(project.config.policies)) {
      const cause = causeOf(entry, { project: project.name, name, policy })
      if (cause === undefined) continue
      const standing = await standingOf(
        tx.automation,
        { project, name, policy, cause, entry },
        world,
      )
      const decision = decide({ name, policy }, cause, standing)
      await act(tx, { project, name, policy, cause, standing, decision })
    }
}

interface About {
  readonly project: Project
  readonly name: string
  readonly policy: PolicyConfig
  readonly cause: Cause
}

const BEFORE = 40
const HOUR_MS = 3_600_000

/** How a policy stands at this moment. Reading alone, so that a dry run sees the same. */
export async function standingOf(
  read: AutomationReads,
  { project, name, policy, cause, entry }: About & { entry: Entry | undefined },
  { hasRunWith, policyRunBehind, clock }: Surroundings,
): Promise<Standing> {
  const nowMs = clock.nowMs()
  const { group } = concurrencyOf(policy, { project: project.name, name })
  const endpoint = cause.endpoint ?? endpointOf(project, policy)
  const open = await read.open()
  const paths = latestPaths(policy)
  const behind =
    entry === undefined || isFinding(cause.trigger) ? undefined : await policyRunBehind(entry)
  const before = behind === undefined ? undefined : await read.find(behind)
  const budgetMs = policy.budget === undefined ? 0 : durationMs(policy.budget.per)
  return {
    nowMs,
    depth: before === undefined ? 0 : before.depth + 1,
    lastFinding: await read.newest(project.name, name, FINDING_KINDS),
    last: await read.newest(project.name, name),
    running: open.filter(
      (run) =>
        run.state === 'running' &&
        (run.group === group || (endpoint !== null && run.endpoint === endpoint)),
    ),
    waiting: open.filter(
      (run) => run.state === 'queued' && run.project === project.name && run.policy === name,
    ),
    queuedInGroup: open.filter((run) => run.state === 'queued' && run.group === group).length,
    runsInBudget:
      policy.budget === undefined
        ? 0
        : await read.countSince(project.name, name, nowMs - budgetMs + 1),
    runsInLastHour: await read.countSince(project.name, name, nowMs - HOUR_MS + 1),
    unhelpful: policy.backoff === undefined ? 0 : await unhelpfulRuns(read, project.name, name),
    hasRunWithData: paths.length > 0 && (await hasRunWith(project, paths)),
    group,
    endpoint,
  }
}

/** The runs since the last that helped: they failed, or what they made was refused. */
export async function unhelpfulRuns(
  read: AutomationReads,
  project: string,
  policy: string,
): Promise<number> {
  const runs = await read.list({ project, policy, limit: BEFORE })
  const ended = runs.filter((run) => run.state === 'succeeded' || run.state === 'failed')
  const helpful = ended.findIndex((run) => run.state === 'succeeded' && run.helped !== false)
  return helpful === -1 ? ended.length : helpful
}

/** The endpoint that a policy is about whatever sets it off: the one that serves what it promotes, or that it watches. */
function endpointOf(project: Project, policy: PolicyConfig): string | null {
  const model = promotionAfter(policy)?.model
  const serves = Object.entries(project.config.endpoints).find(
    ([, endpoint]) =>
      model !== undefined && endpoint.model?.startsWith(`models:/${model}@`) === true,
  )
  return serves?.[0] ?? triggersOf(policy).find(isFinding)?.endpoint ?? null
}

async function act(
  tx: AutomationTx,
  about: About & { standing: Standing; decision: Decision },
): Promise<void> {
  const { project, name, cause, standing, decision } = about
  const actor = platformActor(`policy:${name}`)
  const known = {
    project: project.name,
    policy: name,
    endpoint: standing.endpoint,
    cause: cause.position,
    causeType: cause.type,
    why: decision.why,
    eventMs: cause.eventMs,
  }
  if (decision.act === 'skip') {
    await tx.ledger.append(actor, [policySkipped(known)])
    return
  }
  const run: PolicyRun = {
    ...known,
    why: decision.act === 'queue' ? decision.because : decision.why,
    id: await idOf(tx, about),
    kind: cause.trigger.kind,
    group: standing.group,
    limit: concurrencyOf(about.policy, { project: project.name, name }).limit,
    depth: standing.depth,
    order: cause.order,
    refs: cause.refs,
    startedMs: standing.nowMs,
    state: decision.act === 'queue' ? 'queued' : 'running',
    reason: null,
    pipelineRun: null,
    modelVersion: null,
    promotion: null,
    helped: null,
    endedMs: null,
  }
  if (decision.act === 'run')
    for (const other of decision.cancels)
      await endRun(tx, {
        ...other,
        state: 'cancelled',
        reason: `${run.id} took its place`,
        endedMs: standing.nowMs,
      })
  await tx.automation.save(run)
  if (decision.act === 'queue') {
    await tx.ledger.append(actor, [policyQueued(run, decision.why)])
    return
  }
  await tx.ledger.append(actor, [policyFired(run)])
  await enqueue(tx, run)
}

/** Two projects may each have a policy of that name, and both may wait for the same entry. */
async function idOf(
  { automation }: AutomationTx,
  { project, name, cause }: About,
): Promise<string> {
  const id = `${name}-${String(cause.position).padStart(10, '0')}`
  const taken = await automation.find(id)
  return taken === undefined ? id : `${project.name}-${id}`
}

async function enqueue({ work }: AutomationTx, run: PolicyRun): Promise<void> {
  await work.enqueue([
    { kind: RUN_POLICY, key: `${RUN_POLICY}:${run.id}`, payload: { policyRun: run.id } },
  ])
}

/** Keeps and tells the end of a run. Whoever waited for its place is started by `startQueued`. */
export async function endRun(
  tx: AutomationTx,
  ended: PolicyRun,
  by: Actor = platformActor(`policy:${ended.policy}`),
): Promise<void> {
  await tx.automation.save(ended)
  await tx.ledger.append(by, [policyRunFinished(ended)])
}

/** Starts runs that wait, oldest first, as far as there is room for them. */
export async function startQueued(tx: AutomationTx, nowMs: number): Promise<void> {
  const open = await tx.automation.open()
  const running = open.filter((run) => run.state === 'running')
  for (const run of open.filter((each) => each.state === 'queued')) {
    const inGroup = running.filter((other) => other.group === run.group).length
    const isFree =
      run.endpoint === null || !running.some((other) => other.endpoint === run.endpoint)
    if (inGroup >= run.limit || !isFree) continue
    const started: PolicyRun = { ...run, state: 'running', startedMs: nowMs }
    running.push(started)
    await tx.automation.save(started)
    await tx.ledger.append(platformActor(`policy:${run.policy}`), [policyFired(started)])
    await enqueue(tx, started)
  }
}
