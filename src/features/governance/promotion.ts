import type { Actor, Fact, Ref } from '#ledger'
import type { Json } from '#base/json'

/** One automatic verdict on a candidate, with what it was reached from. */
export interface CheckResult {
  readonly check: string
  readonly passed: boolean
  /** One sentence that a reader understands without the numbers beside it. */
  readonly reason: string
  readonly evidence: Readonly<Record<string, Json>>
}

/** A request to point an alias at a version, and what came of it. */
export interface Promotion {
  readonly id: string
  readonly model: string
  readonly version: number
  readonly alias: string
  /** The version that the alias named when this was asked for. */
  readonly replaced: number | null
  readonly requestedBy: Actor
  /** What made a policy ask for it. */
  readonly cause: Ref | null
  /** Event time of the cause, if it has one. */
  readonly eventMs: number | null
  readonly createdMs: number
  readonly outcome: Outcome
}

export type Outcome =
  | { readonly state: 'checking' }
  | {
      readonly state: 'accepted' | 'refused'
      readonly decidedMs: number
      readonly checks: readonly CheckResult[]
      readonly reasons: readonly string[]
    }

/** Accepted when every check passed; refused with the reason of each that did not. */
export function decide(
  checks: readonly CheckResult[],
  decidedMs: number,
): Exclude<Outcome, { state: 'checking' }> {
  const reasons = checks.filter((check) => !check.passed).map((check) => check.reason)
  return { state: reasons.length === 0 ? 'accepted' : 'refused', decidedMs, checks, reasons }
}

export function promotionRef(id: string): Ref {
  return { kind: 'promotion', id }
}

function modelVersionRef(promotion: Promotion): Ref {
  return { kind: 'model-version', id: `${promotion.model}/${promotion.version}` }
}

export function promotionRequested(promotion: Promotion): Fact {
  return {
    type: 'promotion-requested',
    data: { ...nameOf(promotion), replaced: promotion.replaced },
    edges:
      promotion.cause === null
        ? []
        : [{ from: promotionRef(promotion.id), relation: 'asked-for-by', to: promotion.cause }],
    ...eventOf(promotion),
  }
}

export function promotionDecided(
  promotion: Promotion,
  outcome: Exclude<Outcome, { state: 'checking' }>,
): Fact[] {
  return [
    ...outcome.checks.map((check) => ({
      type: 'check-finished',
      data: { promotion: promotion.id, ...check },
      ...eventOf(promotion),
    })),
    {
      type: `promotion-${outcome.state}`,
      data: { ...nameOf(promotion), replaced: promotion.replaced, reasons: outcome.reasons },
      edges:
        outcome.state === 'accepted'
          ? [
              {
                from: modelVersionRef(promotion),
                relation: 'promoted-by',
                to: promotionRef(promotion.id),
              },
            ]
          : [],
      ...eventOf(promotion),
    },
  ]
}

function nameOf(promotion: Promotion) {
  return {
    promotion: promotion.id,
    model: promotion.model,
    version: promotion.version,
    alias: promotion.alias,
  }
}

function eventOf(promotion: Promotion): { eventMs?: number } {
  return promotion.eventMs === null ? {} : { eventMs: promotion.eventMs }
}
