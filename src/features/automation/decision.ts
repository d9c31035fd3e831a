import { durationMs, type PolicyConfig } from '#projects'
import { isFinding, type Cause } from './cause.ts'
import { dataWords, latestPaths } from './data.ts'
import { minuteOf } from './minute.ts'
import { FINDING_KINDS, type PolicyRun } from './policy-run.ts'

/** All that a decision looks at besides the policy and its cause. */
export interface Standing {
  readonly nowMs: number
  /** How many policies acted before on what each other did. */
  readonly depth: number
  /** The policy's newest run after a finding. */
  readonly lastFinding: PolicyRun | undefined
  /** The policy's newest run, after whatever. */
  readonly last: PolicyRun | undefined
  /** Runs of its group and of its endpoint that are running, oldest first. */
  readonly running: readonly PolicyRun[]
  /** Runs of the policy that wait for their turn. */
  readonly waiting: readonly PolicyRun[]
  /** Runs of its group that wait. */
  readonly queuedInGroup: number
  readonly runsInBudget: number
  readonly runsInLastHour: number
  /** Runs that did not help, since one did. */
  readonly unhelpful: number
  /** Whether a pipeline has succeeded with the data that the project has now. */
  readonly hasRunWithData: boolean
  readonly group: string
  readonly endpoint: string | null
}

export type Decision =
  | { readonly act: 'run'; readonly why: string; readonly cancels: readonly PolicyRun[] }
  | { readonly act: 'queue'; readonly why: string; readonly because: string }
  | { readonly act: 'skip'; readonly why: string }

/** A policy may act on what another did, and so on, this often in a row. */
export const DEPTH_MAX = 5
/** Nobody means a policy to act more often than this on its own; schedules and people are not counted. */
export const RUNS_PER_HOUR_MAX = 60
const QUEUED_MAX = 1000

/** Where a policy's runs count together and how many of them may run. */
export function concurrencyOf(
  { concurrency }: Pick<PolicyConfig, 'concurrency'>,
  own: { project: string; name: string },
): { group: string; limit: number; whenBusy: 'queue' | 'skip' | 'cancel_running' | undefined } {
  const given = typeof concurrency === 'string' ? { group: concurrency } : (concurrency ?? {})
  // A group that the file names is shared by all projects; a policy's own is not.
  const { group = `${own.project}/${own.name}`, limit = 1, when_busy: whenBusy } = given
  return { group, limit, whenBusy }
}

/** What a policy does about a cause, and why, in a sentence. */
export function decide(
  { name, policy }: { name: string; policy: PolicyConfig },
  cause: Cause,
  standing: Standing,
): Decision {
  const objection =
    refusal(policy, cause, standing) ?? rest(policy, cause, standing) ?? overspent(policy, standing)
  if (objection !== undefined)
    return { act: 'skip', why: `${name} does nothing although ${cause.words}: ${objection}.` }
  const because = `${name} runs ${policy.run}${dataWords(cause.order.data ?? [])} because ${cause.words}.`
  return whenItsTurn({ name, policy }, { cause, standing, because })
}

/** What stands against acting at all. */
function refusal(policy: PolicyConfig, cause: Cause, standing: Standing): string | undefined {
  const isByHand = cause.trigger.kind === 'manual'
  if (policy.enabled === false && !isByHand) return 'orrery.yaml has it switched off'
  if (standing.depth > DEPTH_MAX)
    return `policies set each other off ${DEPTH_MAX} times in a row before this; that is where it ends`
  const isCounted = !isByHand && cause.trigger.kind !== 'schedule' && !isFinding(cause.trigger)
  if (isCounted && standing.runsInLastHour >= RUNS_PER_HOUR_MAX)
    return `it acted ${standing.runsInLastHour} times in the last hour, and more is held to be a mistake; a schedule may act more often`
  if (cause.lacks !== null) return cause.lacks
  const paths = latestPaths(policy)
  if (paths.length > 0 && !isByHand && standing.hasRunWithData)
    return `a pipeline has succeeded with the newest ${paths.join(', ')} already`
  return undefined
}

/** Whether it still rests. */
function rest(policy: PolicyConfig, cause: Cause, standing: Standing): string | undefined {
  if (cause.trigger.kind === 'manual') return undefined
  const clock = isFinding(cause.trigger) ? 'event' : 'wall'
  const resting = restBy(clock, policy, standing)
  const nowMs = clock === 'event' ? cause.eventMs : standing.nowMs
  return resting === undefined || nowMs >= resting.untilMs
    ? undefined
    : `it rests until ${minuteOf(resting.untilMs)} after ${resting.after}${resting.words}`
}

/** The time in which a policy rests after a run. */
export interface Rest {
  readonly untilMs: number
  /** The run that it rests after. */
  readonly after: string
  /** After findings it is the time of what was found that has to pass, else that on the wall. */
  readonly clock: 'event' | 'wall'
}

/** The rest after the last run by that clock; undefined where there is none, though what there is may be over. */
export function restBy(
  clock: Rest['clock'],
  policy: PolicyConfig,
  standing: Pick<Standing, 'last' | 'lastFinding' | 'unhelpful'>,
): (Rest & { readonly words: string }) | undefined {
  const cooldown = policy.cooldown ?? (clock === 'event' ? '1d' : '0s')
  const { lengthMs, words } = restAfter(policy, durationMs(cooldown), standing.unhelpful)
  const last = clock === 'event' ? standing.lastFinding : standing.last
  if (last === undefined || lengthMs === 0) return undefined
  const fromMs = clock === 'event' ? last.eventMs : last.startedMs
  return { untilMs: fromMs + lengthMs, after: last.id, clock, words }
}

function restAfter(
  { backoff }: PolicyConfig,
  cooldownMs: number,
  unhelpful: number,
): { lengthMs: number; words: string } {
  const { after = 2, max = '30d' } = backoff ?? {}
  if (backoff === undefined || unhelpful < after) return { lengthMs: cooldownMs, words: '' }
  const base = Math.max(cooldownMs, 60_000)
  const doubled = base * 2 ** Math.min(40, unhelpful - after + 1)
  return {
    lengthMs: Math.max(cooldownMs, Math.min(durationMs(max), doubled)),
    words: `, longer than else because ${unhelpful} runs after one another did not help`,
  }
}

function overspent({ budget }: PolicyConfig, { runsInBudget }: Standing): string | undefined {
  if (budget === undefined || runsInBudget < budget.runs) return undefined
  return `its budget of ${budget.runs} ${budget.runs === 1 ? 'run' : 'runs'} per ${budget.per} is spent`
}

/** Runs now where there is room, else does what the policy says for when it is busy. */
function whenItsTurn(
  { name, policy }: { name: string; policy: PolicyConfig },
  { cause, standing, because }: { cause: Cause; standing: Standing; because: string },
): Decision {
  const { group, limit, whenBusy } = concurrencyOf(policy, { project: '', name })
  const inGroup = standing.running.filter((run) => run.group === standing.group)
  const ofEndpoint = standing.running.filter(
    (run) => standing.endpoint !== null && run.endpoint === standing.endpoint,
  )
  const inWay = new Set([
    ...inGroup.slice(0, Math.max(0, inGroup.length - limit + 1)),
    ...ofEndpoint,
  ])
  if (inWay.size === 0) return { act: 'run', why: because, cancels: [] }
  const busy = `${[...inWay].map(({ id }) => id).join(', ')} ${inWay.size === 1 ? 'is' : 'are'} running ${ofEndpoint.length > 0 ? `for ${standing.endpoint}` : policy.concurrency === undefined ? 'already' : `in ${group}`}`
  // A later window tells of what is still wrong then; nothing else would.
  const way = whenBusy ?? (isFinding(cause.trigger) ? 'skip' : 'queue')
  if (way === 'cancel_running')
    return {
      act: 'run',
      why: `${because} It takes the place of ${[...inWay].map(({ id }) => id).join(', ')}.`,
      cancels: [...inWay],
    }
  const skip = (reason: string): Decision => ({
    act: 'skip',
    why: `${name} does nothing although ${cause.words}: ${reason}.`,
  })
  if (way === 'skip') return skip(busy)
  if (standing.queuedInGroup >= QUEUED_MAX) return skip(`${QUEUED_MAX} runs wait already`)
  const first = standing.waiting.find(
    (run) => takesNewest(run.kind) && run.kind === cause.trigger.kind,
  )
  if (first !== undefined && cause.order.set.join('\n') === first.order.set.join('\n'))
    return skip(`${first.id} waits for its turn and will take the newest`)
  return { act: 'queue', why: `${because} It waits, for ${busy}.`, because }
}

/** Whether a run that starts later knows what came meanwhile, so that a second one would do the same again. */
function takesNewest(kind: PolicyRun['kind']): boolean {
  return kind === 'data' || kind === 'delta' || FINDING_KINDS.includes(kind)
}
