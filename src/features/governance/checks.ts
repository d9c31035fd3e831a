import type { Json } from '#base/json'
import type { BetterThanCheckConfig, MetricCheckConfig, ReplayCheckConfig } from '#projects'
import type { CheckResult } from './promotion.ts'

/** Both models' scores for the same labelled predictions, newer than anything either was trained on. */
export interface Replay {
  readonly labels: readonly (0 | 1)[]
  readonly candidate: readonly number[]
  readonly champion: readonly number[]
  readonly fromMs: number
  readonly toMs: number
}

/** How sure it is that the candidate's ROC-AUC exceeds the champion's by more than `by`. */
export interface Comparison {
  readonly candidate: number
  readonly champion: number
  readonly difference: number
  readonly ciLow: number
  readonly ciHigh: number
  /** One-sided, 0 to 1. */
  readonly confidence: number
}

/** Fewer labelled predictions than this of either class say nothing about an AUC. */
export const REPLAY_CLASS_MIN = 50

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
  replay: Replay | undefined,
  compare: (replay: Replay, by: number) => Comparison,
): CheckResult {
  const check = `better than ${alias}`
  if (replay === undefined)
    return {
      check,
      passed: true,
      reason: `nothing has the alias ${alias} yet, so there is nothing to compare with`,
      evidence: {},
    }
  const positives = replay.labels.filter((label) => label === 1).length
  const counts = {
    rows: replay.labels.length,
    positives,
    from: new Date(replay.fromMs).toISOString(),
    to: new Date(replay.toMs).toISOString(),
  }
  if (Math.min(positives, replay.labels.length - positives) < REPLAY_CLASS_MIN)
    return {
      check,
      passed: false,
      reason: `only ${counts.rows} labelled predictions (${positives} positive) are newer than both models' training data; at least ${REPLAY_CLASS_MIN} of each class are needed`,
      evidence: counts,
    }
  const result = compare(replay, by)
  const passed = result.confidence >= confidence
  return {
    check,
    passed,
    reason: `${metric} ${round(result.candidate)} against ${round(result.champion)} on ${counts.rows} labelled predictions that neither has seen: better by more than ${by} with ${percent(result.confidence)} confidence, ${percent(confidence)} is asked for`,
    evidence: { ...counts, ...result, metric, by, asked: confidence },
  }
}

function round(value: number): string {
  return value.toFixed(4)
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`
}
