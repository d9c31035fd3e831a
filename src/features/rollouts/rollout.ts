import { Problem } from '#base/problem'
import { newEvidence, observed, rolloutLogE, type Batch, type Evidence } from './evidence.ts'
import type { RolloutPlan } from './guards.ts'

/**
 * `running`: goes up step by step. `paused`: stays at its step; guards watch on. All others have ended: `completed`:
 * the new revision has all traffic. `rolled-back`: a guard gave it up. `aborted`: a person did. `undone`: taken back
 * after it was completed. `superseded`: a newer version came meanwhile.
 */
export type RolloutState =
  | 'running'
  | 'paused'
  | 'completed'
  | 'rolled-back'
  | 'aborted'
  | 'undone'
  | 'superseded'

/** The move of an endpoint's traffic from one revision to the next. Plain data: it goes on after a restart. */
export interface Rollout {
  readonly id: string
  readonly endpoint: string
  readonly from: number
  readonly to: number
  readonly plan: RolloutPlan
  readonly state: RolloutState
  /** Counted from 0. */
  readonly step: number
  /** How much of the step's time had passed when it was last looked at, pauses left out. */
  readonly stepMs: number
  readonly lookedMs: number
  /** Answers of the new revision in this step. */
  readonly stepSamples: number
  /** From when on the new revision got which part of the traffic. */
  readonly shares: readonly { readonly sinceMs: number; readonly share: number }[]
  /** Predictions up to this moment were compared with their truths. */
  readonly judgedMs: number
  readonly evidence: Evidence
  readonly startedMs: number
  readonly endedMs: number | null
  /** Why it is as it is, in words. */
  readonly reason: string | null
}

export function newRollout(
  start: Pick<Rollout, 'id' | 'endpoint' | 'from' | 'to' | 'plan'>,
  nowMs: number,
): Rollout {
  return {
    ...start,
    state: 'running',
    step: 0,
    stepMs: 0,
    lookedMs: nowMs,
    stepSamples: 0,
    shares: [{ sinceMs: nowMs, share: (start.plan.steps[0] ?? 100) / 100 }],
    judgedMs: nowMs,
    evidence: newEvidence(start.plan.guards),
    startedMs: nowMs,
    endedMs: null,
    reason: null,
  }
}

export function isOpen({ state }: Pick<Rollout, 'state'>): boolean {
  return state === 'running' || state === 'paused'
}

/** Whether the new revision was tried and is not to be tried again by itself. */
export function isGivenUp(state: RolloutState): boolean {
  return state === 'rolled-back' || state === 'aborted' || state === 'undone'
}

/** The shares of old and new, in percent. */
export function sharesOf({ state, step, plan }: Rollout): { old: number; fresh: number } {
  if (state === 'completed') return { old: 0, fresh: 100 }
  if (state !== 'running' && state !== 'paused') return { old: 100, fresh: 0 }
  const fresh = plan.steps[step] ?? 100
  return { old: 100 - fresh, fresh }
}

/** What a look at a rollout led to. `objected`: a guard objects, and a person has to say what to do. */
export type Verdict = 'stays' | 'stepped' | 'completed' | 'rolled-back' | 'objected'

/** The rollout after what was seen since the last look. */
export function looked(
  rollout: Rollout,
  batches: readonly Batch[],
  nowMs: number,
): { rollout: Rollout; verdict: Verdict } {
  if (!isOpen(rollout)) return { rollout, verdict: 'stays' }
  const { plan, state } = rollout
  const spent = state === 'running' ? Math.max(0, nowMs - rollout.lookedMs) : 0
  const seen: Rollout = {
    ...rollout,
    lookedMs: nowMs,
    stepMs: rollout.stepMs + spent,
    stepSamples: batches.reduce((sum, { fresh }) => sum + fresh.requests, rollout.stepSamples),
    evidence: batches.reduce(
      (evidence, batch) => observed(evidence, plan.guards, batch),
      rollout.evidence,
    ),
  }
  return decided(seen)
}

/** What the evidence and the time say about a rollout. */
export function decided(rollout: Rollout): { rollout: Rollout; verdict: Verdict } {
  const { plan, state, lookedMs } = rollout
  if (objects(rollout)) {
    if (plan.rollback === 'automatic')
      return { rollout: ended(rollout, 'rolled-back', lookedMs, OBJECTION), verdict: 'rolled-back' }
    if (state === 'paused') return { rollout, verdict: 'stays' }
    return { rollout: { ...rollout, state: 'paused', reason: OBJECTION }, verdict: 'objected' }
  }
  const isDue = rollout.stepMs >= plan.everyMs && rollout.stepSamples >= plan.minSamples
  if (state !== 'running' || !isDue) return { rollout, verdict: 'stays' }
  if (rollout.step === plan.steps.length - 1)
    return { rollout: ended(rollout, 'completed', lookedMs, null), verdict: 'completed' }
  return { rollout: atStep(rollout, rollout.step + 1), verdict: 'stepped' }
}

const OBJECTION = 'a guard objects'

export function objects({ evidence, plan }: Rollout): boolean {
  return rolloutLogE(evidence) >= -Math.log(plan.alpha)
}

function atStep(rollout: Rollout, step: number): Rollout {
  const share = (rollout.plan.steps[step] ?? 100) / 100
  const shares = [...rollout.shares, { sinceMs: rollout.lookedMs, share }]
  return { ...rollout, step, shares, stepMs: 0, stepSamples: 0 }
}

function ended(
  rollout: Rollout,
  state: RolloutState,
  nowMs: number,
  reason: string | null,
): Rollout {
  return { ...rollout, state, endedMs: nowMs, reason }
}

/** What people may ask of a rollout. */
export const ORDERS = ['pause', 'resume', 'abort', 'finish', 'undo'] as const
export type Order = (typeof ORDERS)[number]

/** The rollout after an order. Throws `conflict` where it does not fit. */
export function ordered(
  rollout: Rollout,
  order: Order,
  { nowMs, reason }: { nowMs: number; reason: string | null },
): Rollout {
  const { state } = rollout
  const fits: Readonly<Record<Order, readonly RolloutState[]>> = {
    pause: ['running'],
    resume: ['paused'],
    abort: ['running', 'paused'],
    finish: ['running', 'paused'],
    undo: ['completed'],
  }
  if (!fits[order].includes(state)) throw unfit(rollout, order)
  if (order === 'pause') return pausedAt(rollout, nowMs, reason)
  return order === 'resume' ? resumed(rollout, nowMs) : ended(rollout, ENDS[order], nowMs, reason)
}

const ENDS = { abort: 'aborted', finish: 'completed', undo: 'undone' } as const

function pausedAt(rollout: Rollout, nowMs: number, reason: string | null): Rollout {
  const stepMs = rollout.stepMs + Math.max(0, nowMs - rollout.lookedMs)
  return { ...rollout, stepMs, lookedMs: nowMs, state: 'paused', reason }
}

/** Goes on. Where a guard had objected its evidence begins anew: who resumes has answered for it. */
function resumed(rollout: Rollout, nowMs: number): Rollout {
  const evidence = objects(rollout) ? newEvidence(rollout.plan.guards) : rollout.evidence
  return { ...rollout, evidence, state: 'running', lookedMs: nowMs, reason: null }
}

/** A newer version came: this one is not gone on with. */
export function superseded(rollout: Rollout, nowMs: number): Rollout {
  return ended(rollout, 'superseded', nowMs, 'a newer version is rolled out')
}

function unfit({ endpoint, state }: Rollout, order: Order): Problem {
  const advice: Readonly<Record<Order, string>> = {
    pause: 'only one that runs can be paused',
    resume: 'only one that is paused can be resumed',
    abort:
      'only one that is under way can be aborted; "orrery rollout undo" takes a completed one back',
    finish: 'only one that is under way can be finished',
    undo: 'only the newest can be undone, after it was completed; "orrery rollout abort" ends one that is under way',
  }
  return new Problem(
    'conflict',
    `the newest rollout of endpoint ${endpoint} is ${state}: ${advice[order]}`,
  )
}
