import type { Fact, Ref } from '#ledger'
import { durationMs, triggersOf, type PolicyConfig } from '#projects'

/** One time that a policy acted, and how far it has come. */
export interface PolicyRun {
  readonly id: string
  readonly project: string
  readonly policy: string
  readonly endpoint: string
  /** Position of the finding that caused it. */
  readonly cause: number
  readonly causeType: string
  readonly eventMs: number
  readonly startedMs: number
  readonly state: 'running' | 'succeeded' | 'failed'
  readonly reason: string | null
  readonly pipelineRun: string | null
  readonly modelVersion: string | null
  readonly promotion: string | null
  readonly endedMs: number | null
}

/** A finding of the monitors that a policy can be waiting for. */
export interface Finding {
  readonly position: number
  readonly type: 'drift-detected' | 'performance-fell'
  readonly endpoint: string
  readonly window: string
  readonly eventMs: number
}

export const FINDING_TYPES = ['drift-detected', 'performance-fell'] as const

/** Whether `policy` is to act on `finding`: it waits for it, nothing of its endpoint runs, and its cooldown is over in event time. */
export function firesOn(
  policy: PolicyConfig,
  finding: Finding,
  earlier: { running: boolean; lastEventMs: number | undefined },
): boolean {
  const watched = finding.type === 'drift-detected' ? 'drift' : 'performance'
  const waitsFor = triggersOf(policy).some(
    (trigger) => trigger.kind === watched && trigger.endpoint === finding.endpoint,
  )
  const rested =
    earlier.lastEventMs === undefined ||
    finding.eventMs - earlier.lastEventMs >= durationMs(policy.cooldown ?? '1d')
  return waitsFor && !earlier.running && rested
}

/** What `then: promote flights-late@champion` asks for. */
export function promotionAfter(policy: PolicyConfig): { model: string; alias: string } | undefined {
  const [, model, alias] = /^promote ([^@ ]+)@([\w-]+)$/.exec(policy.then ?? '') ?? []
  return model === undefined || alias === undefined ? undefined : { model, alias }
}

export function policyRunRef(id: string): Ref {
  return { kind: 'policy-run', id }
}

export function policyFired(run: PolicyRun, finding: Finding): Fact {
  return {
    type: 'policy-fired',
    data: {
      policyRun: run.id,
      project: run.project,
      policy: run.policy,
      endpoint: run.endpoint,
      cause: run.cause,
      causeType: run.causeType,
    },
    edges: [
      {
        from: policyRunRef(run.id),
        relation: 'caused-by',
        to: { kind: 'window', id: finding.window },
      },
    ],
    eventMs: run.eventMs,
  }
}

export function policyRunFinished(run: PolicyRun): Fact {
  return {
    type: 'policy-run-finished',
    data: {
      policyRun: run.id,
      policy: run.policy,
      endpoint: run.endpoint,
      outcome: run.state,
      reason: run.reason,
      pipelineRun: run.pipelineRun,
      modelVersion: run.modelVersion,
      promotion: run.promotion,
    },
    eventMs: run.eventMs,
  }
}
