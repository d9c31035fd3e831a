import type { Fact, Ref } from '#ledger'
import type { ChosenData } from '#pipelines'
import type { PolicyConfig, Trigger } from '#projects'

/** What sets policies off. */
export type TriggerKind = Trigger['kind']

/** What is asked of the pipeline beyond the project's newest commit as it is. */
export interface RunOrder {
  /** The commit to run; null for the project's newest when it starts. */
  readonly rev: string | null
  /** Changes of params, as `-S` takes them. */
  readonly set: readonly string[]
  /** Environment variables for its stages. */
  readonly variables: Readonly<Record<string, string>>
  /** Data that it is made of, besides what the commit has. */
  readonly data?: readonly ChosenData[]
}

/** One time that a policy acted, and how far it has come. */
export interface PolicyRun {
  readonly id: string
  readonly project: string
  readonly policy: string
  /** The endpoint that it is about; null for one that is about none. */
  readonly endpoint: string | null
  /** Position of the entry that caused it. */
  readonly cause: number
  readonly causeType: string
  readonly kind: TriggerKind
  /** Why, in a sentence. */
  readonly why: string
  /** Runs of one group count together, and at most `limit` of them run. */
  readonly group: string
  readonly limit: number
  /** How many policies acted before it on what each other did. */
  readonly depth: number
  readonly order: RunOrder
  /** What it leads back to. */
  readonly refs: readonly Ref[]
  readonly eventMs: number
  readonly startedMs: number
  readonly state: 'queued' | 'running' | 'succeeded' | 'failed' | 'cancelled'
  readonly reason: string | null
  readonly pipelineRun: string | null
  readonly modelVersion: string | null
  readonly promotion: string | null
  /** Whether what it made was taken into use; null where that was not asked for or is not known. */
  readonly helped: boolean | null
  readonly endedMs: number | null
}

export const FINDING_KINDS: readonly TriggerKind[] = ['drift', 'performance', 'alert']

/** What `then: promote flights-late@champion` asks for. */
export function promotionAfter(
  policy: Pick<PolicyConfig, 'then'>,
): { model: string; alias: string } | undefined {
  const [, model, alias] = /^promote ([^@ ]+)@([\w-]+)$/.exec(policy.then ?? '') ?? []
  return model === undefined || alias === undefined ? undefined : { model, alias }
}

export function policyRunRef(id: string): Ref {
  return { kind: 'policy-run', id }
}

/** The fact that a run starts, and what it leads back to. */
export function policyFired(run: PolicyRun): Fact {
  return {
    type: 'policy-fired',
    data: { ...decided(run), policyRun: run.id },
    edges: run.refs.map((to) => ({ from: policyRunRef(run.id), relation: 'caused-by', to })),
    eventMs: run.eventMs,
  }
}

/** The fact that a run waits for its turn, and for whom. */
export function policyQueued(run: PolicyRun, why: string): Fact {
  return {
    type: 'policy-queued',
    data: { ...decided(run), policyRun: run.id, why },
    eventMs: run.eventMs,
  }
}

/** The fact that a policy does nothing about what it waits for, and why not. */
export function policySkipped(
  about: Pick<
    PolicyRun,
    'project' | 'policy' | 'endpoint' | 'cause' | 'causeType' | 'why' | 'eventMs'
  >,
): Fact {
  return { type: 'policy-skipped', data: decided(about), eventMs: about.eventMs }
}

function decided({
  project,
  policy,
  endpoint,
  cause,
  causeType,
  why,
}: Pick<PolicyRun, 'project' | 'policy' | 'endpoint' | 'cause' | 'causeType' | 'why'>) {
  return { project, policy, endpoint, cause, causeType, why }
}

export function policyRunFinished(run: PolicyRun): Fact {
  return {
    type: 'policy-run-finished',
    data: {
      policyRun: run.id,
      project: run.project,
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
