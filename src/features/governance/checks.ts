import type { Json } from '#base/json'
import type { BetterThanCheckConfig, MetricCheckConfig, ReplayCheckConfig } from '#projects'
import type { CheckResult } from './promotion.ts'

/**
 * How both models do on the same labelled predictions, newer than anything either was trained on, and how sure it
 * is that the candidate is better by more than `by`.
 */
export interface Comparison {
  readonly rows: number
  /** Rows of the event; null where there are not two classes. */
  readonly positives: number | null
  readonly fromMs: number
  readonly toMs: number
  /** What was found, or why nothing could be. */
  readonly found: Compared | string
}

export interface Compared {
  readonly candidate: number
  readonly champion: number
  /** How much better the candidate is, whichever way is better. */
  readonly difference: number
  readonly ciLow: number
  readonly ciHigh: number
  /** One-sided, 0 to 1. */
  readonly confidence: number
}

/** Fewer labelled predictions than this of either class say nothing about which model is better. */
const CLASS_MIN = 50

/** The same of all, where there are no two classes. */
const ROWS_MIN = 100

/** How a candidate's answers to what an endpoint was asked compare with those that were given. */
export interface Disagreement {
  /** Where the whole comparison is kept. */
  readonly replay: string
  readonly rows: number
  readonly share: number
  readonly ciLow: number
  readonly ciHigh: number
  /** Where the two disagree most, in words. */
  readonly worst: readonly string[]
}

export function replayCheck(
  { endpoint, since, max_disagreement: most, min_rows: rowsMin }: ReplayCheckConfig,
  found: Disagreement,
): CheckResult {
  const { replay, rows, share, worst } = found
  const isEnough = rows >= rowsMin
  const where = worst.length === 0 ? '' : `; most where ${worst.join(', ')}`
  const evidence: Record<string, Json> = { ...found, worst: [...worst], asked: most, rowsMin }
  return {
    check: `replay of ${endpoint}`,
    passed: isEnough && share <= most,
    reason: isEnough
      ? `it disagrees with ${percent(share)} of the ${rows} answers of the last ${since} at ${endpoint}; at most ${percent(most)} are asked for${where} (replay ${replay})`
      : `only ${rows} predictions of the last ${since} at ${endpoint} could be replayed; at least ${rowsMin} are needed (replay ${replay})`,
    evidence,
  }
}

export function signatureCheck(hasSignature: boolean): CheckResult {
  return {
    check: 'signature',
    passed: hasSignature,
    reason: hasSignature
      ? 'the model states its inputs and outputs'
      : 'the model has no signature; log it with mlflow and signature=',
    evidence: {},
  }
}

export function metricCheck(
  { name, min, max }: MetricCheckConfig,
  value: number | undefined,
): CheckResult {
  const wanted = boundsIn({ min, max })
  const passed = isWithin(value, { min, max })
  return {
    check: `metric ${name}`,
    passed,
    reason:
      value === undefined
        ? `no run of its pipeline logged ${name}; it must be ${wanted}`
        : `${name} is ${round(value)}; it must be ${wanted}`,
    evidence: { name, value: value ?? null, min: min ?? null, max: max ?? null },
  }
}

/** A metric of what a version answers to labelled predictions that are newer than its training data. */
export interface MeasuredMetric {
  /** Null where it could not be measured, for the reason in `note`. */
  readonly value: number | null
  readonly ciLow: number | null
  readonly ciHigh: number | null
  readonly note?: string
  readonly rows: number
  readonly fromMs: number
  readonly toMs: number
}

export function measuredCheck(
  { name, min, max }: MetricCheckConfig,
  { fromMs, toMs, ...found }: MeasuredMetric,
): CheckResult {
  const { value, ciLow, ciHigh, note, rows } = found
  const wanted = boundsIn({ min, max })
  const interval = ciLow === null || ciHigh === null ? '' : ` (${round(ciLow)} to ${round(ciHigh)})`
  return {
    check: `metric ${name} on predictions`,
    passed: isWithin(value ?? undefined, { min, max }),
    reason:
      value === null
        ? `${name} could not be measured on labelled predictions: ${note}; it must be ${wanted}`
        : `${name} is ${round(value)}${interval} on ${rows} labelled predictions that it has not seen; it must be ${wanted}`,
    evidence: {
      name,
      value,
      ciLow,
      ciHigh,
      rows,
      from: new Date(fromMs).toISOString(),
      to: new Date(toMs).toISOString(),
      min: min ?? null,
      max: max ?? null,
    },
  }
}

interface Bounds {
  readonly min: number | undefined
  readonly max: number | undefined
}

function boundsIn({ min, max }: Bounds): string {
  const bounds = [
    min === undefined ? '' : `at least ${min}`,
    max === undefined ? '' : `at most ${max}`,
  ]
  return bounds.filter(Boolean).join(' and ')
}

function isWithin(value: number | undefined, { min, max }: Bounds): boolean {
  return value !== undefined && value >= (min ?? -Infinity) && value <= (max ?? Infinity)
}

export function betterThanCheck(
  { alias, metric, by, confidence }: BetterThanCheckConfig,
  compared: Comparison | undefined,
): CheckResult {
  const check = `better than ${alias}`
  if (compared === undefined)
    return {
      check,
      passed: true,
      reason: `nothing has the alias ${alias} yet, so there is nothing to compare with`,
      evidence: {},
    }
  const { rows, positives, found } = compared
  const counts = {
    rows,
    ...(positives === null ? {} : { positives }),
    from: new Date(compared.fromMs).toISOString(),
    to: new Date(compared.toMs).toISOString(),
  }
  const objection = tooFew(compared) ?? (typeof found === 'string' ? found : undefined)
  if (objection !== undefined || typeof found === 'string')
    return { check, passed: false, reason: objection ?? '', evidence: counts }
  const { candidate, champion, ciLow, ciHigh } = found
  return {
    check,
    passed: found.confidence >= confidence,
    reason: `${metric} ${round(candidate)} against ${round(champion)} on ${rows} labelled predictions that neither has seen: better by more than ${by} with ${percent(found.confidence)} confidence, ${percent(confidence)} is asked for (it is better by ${round(ciLow)} to ${round(ciHigh)})`,
    evidence: { ...counts, ...found, metric, by, asked: confidence },
  }
}

function tooFew({ rows, positives }: Comparison): string | undefined {
  if (positives === null)
    return rows < ROWS_MIN
      ? `only ${rows} labelled predictions are newer than both models' training data; at least ${ROWS_MIN} are needed`
      : undefined
  return Math.min(positives, rows - positives) < CLASS_MIN
    ? `only ${rows} labelled predictions (${positives} positive) are newer than both models' training data; at least ${CLASS_MIN} of each class are needed`
    : undefined
}

function round(value: number): string {
  return value.toFixed(4)
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`
}
