import type { Metric } from './tasks.ts'

/** The least and the most that a metric may be. */
export interface Limit {
  readonly metric: string
  readonly min?: number
  readonly max?: number
}

/** `certainly`: the whole interval lies outside. `unknown`: there is too little to say. */
export type Breach = 'no' | 'yes' | 'certainly' | 'unknown'

export interface JudgedLimit extends Limit, Metric {
  /** What it is of, when not of everything: `carrier=UA`. */
  readonly of: string | null
  readonly labels: number
  readonly breach: Breach
}

export function judgedLimit(
  limit: Limit,
  metric: Metric,
  { of, labels, tooFew }: { of: string | null; labels: number; tooFew?: string | undefined },
): JudgedLimit {
  const { min, max } = limit
  return {
    metric: limit.metric,
    ...(min === undefined ? {} : { min }),
    ...(max === undefined ? {} : { max }),
    ...metric,
    ...(tooFew === undefined ? {} : { note: tooFew }),
    of,
    labels,
    breach: tooFew === undefined ? breachOf(limit, metric) : 'unknown',
  }
}

function breachOf({ min, max }: Limit, { value, ciLow, ciHigh }: Metric): Breach {
  if (value === null) return 'unknown'
  if (min !== undefined && value < min) return ciHigh !== null && ciHigh < min ? 'certainly' : 'yes'
  if (max !== undefined && value > max) return ciLow !== null && ciLow > max ? 'certainly' : 'yes'
  return 'no'
}

/** `at least 0.7`, `at most 12`, `between 0 and 1`. */
export function boundsIn({ min, max }: Limit): string {
  if (min !== undefined && max !== undefined) return `between ${min} and ${max}`
  return min === undefined ? `at most ${max}` : `at least ${min}`
}

/** A metric of fewer rows of either class than this is mostly chance. */
export const CLASS_MIN = 10

/** Metrics that are a mean over all rows, whatever their class. */
export const OVER_ALL = new Set([
  'accuracy',
  'log_loss',
  'brier',
  'ece',
  'mce',
  'ace',
  'calibration_difference',
  'selection_rate',
  'event_rate',
])
