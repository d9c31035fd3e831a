import type { Alert } from '../alerts/findings.ts'

/**
 * An alert that the rule would raise beside the one that was raised. `same`: raised and cleared in the same windows, as
 * severe; `other`: about the same at the same time, but not so; `new` and `gone`: only one of them is there.
 */
export interface AlertPair {
  readonly outcome: 'same' | 'other' | 'new' | 'gone'
  readonly would: Alert | null
  readonly was: Alert | null
}

/** In the order in which they were, or would be, raised. */
export function pairsOf(would: readonly Alert[], was: readonly Alert[]): AlertPair[] {
  const left = new Set(was)
  const pairs = would.map((alert): AlertPair => {
    const own = [...left].filter((each) => isAbout(each, alert))
    const twin =
      own.find(({ raisedWindowMs }) => raisedWindowMs === alert.raisedWindowMs) ??
      own.find((each) => overlaps(each, alert))
    if (twin === undefined) return { outcome: 'new', would: alert, was: null }
    left.delete(twin)
    return { outcome: isSame(twin, alert) ? 'same' : 'other', would: alert, was: twin }
  })
  const gone = [...left].map((alert): AlertPair => ({ outcome: 'gone', would: null, was: alert }))
  return [...pairs, ...gone].toSorted((one, other) => raisedIn(one) - raisedIn(other))
}

function isAbout(one: Alert, other: Alert): boolean {
  return one.kind === other.kind && one.subject === other.subject
}

function overlaps(one: Alert, other: Alert): boolean {
  return (
    one.raisedMs < (other.clearedMs ?? Infinity) && other.raisedMs < (one.clearedMs ?? Infinity)
  )
}

function isSame(one: Alert, other: Alert): boolean {
  return (
    one.raisedWindowMs === other.raisedWindowMs &&
    one.clearedWindowMs === other.clearedWindowMs &&
    one.severity === other.severity
  )
}

function raisedIn({ would, was }: AlertPair): number {
  return (would ?? was)?.raisedMs ?? 0
}
