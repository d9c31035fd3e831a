import type { PolicyRun, Preview, ShownDecision, ShownPolicy } from '#automation'

export type PolicyRunShown = ReturnType<typeof policyRunToWire>
export type PolicyShown = ReturnType<typeof policyToWire>
export type PreviewShown = ReturnType<typeof previewToWire>
export type TriggerShown = PolicyShown['triggers'][number]

/** What was decided, with how the run that came of it stands now. */
export type DecisionShown = ReturnType<typeof decisionToWire>

/** A page of a list, with where the next begins; null after the last. */
export interface PoliciesPage {
  readonly policies: PolicyShown[]
  readonly next: string | null
}

export interface DecisionsPage {
  readonly decisions: DecisionShown[]
  readonly next: number | null
}

export interface TicksShown {
  readonly ticks: {
    readonly project: string
    readonly policy: string
    readonly cron: string
    readonly timezone: string
    readonly at: string
  }[]
}

export function policyRunToWire({ eventMs, startedMs, endedMs, ...run }: PolicyRun) {
  return {
    ...run,
    event: timeOf(eventMs),
    started: timeOf(startedMs),
    ended: endedMs === null ? null : timeOf(endedMs),
  }
}

export function policyToWire({ next, rests, last, open, config, ...policy }: ShownPolicy) {
  const { run, set = [], then = null, cooldown = null, enabled = true, data } = config
  return {
    ...policy,
    enabled,
    run,
    set,
    then,
    data,
    cooldown,
    rests: rests.map(({ untilMs, after, clock }) => ({ until: timeOf(untilMs), after, clock })),
    next: next === null ? null : timeOf(next.atMs),
    /** The schedule that ticks then. */
    nextSchedule:
      next === null ? null : { cron: next.schedule.cron, timezone: next.schedule.timezone },
    last: last === null ? null : policyRunToWire(last),
    open: open.map(policyRunToWire),
  }
}

export function decisionToWire({ atMs, ...decision }: ShownDecision, run?: PolicyRun) {
  return { ...decision, at: timeOf(atMs), run: run === undefined ? null : policyRunToWire(run) }
}

export function previewToWire({ trigger, act, why, atMs }: Preview) {
  return { trigger, act, why, at: timeOf(atMs) }
}

export function timeOf(ms: number): string {
  return new Date(ms).toISOString()
}
