import { Problem } from '#base/problem'
import { checkedKey } from './names.ts'

/** One measurement: the value may be NaN. */
export interface Metric {
  readonly key: string
  readonly value: number
  readonly step: number
  readonly atMs: number
  /** The logged model that was measured, if it was one. */
  readonly modelId?: string
  /** What it was measured on. */
  readonly dataset?: { readonly name: string; readonly digest: string }
}

/** Infinite values are kept as the largest finite ones, which MLflow clients read back as such. */
const LARGEST = Number.MAX_VALUE

/** A metric as it is kept. Throws an `invalid` problem that says which field is wrong. */
export function checkedMetric(metric: Metric): Metric {
  checkedKey(metric.key, 'a metric')
  if (!Number.isSafeInteger(metric.atMs) || metric.atMs < 0)
    throw new Problem(
      'invalid',
      `the timestamp of the metric ${metric.key} is ${metric.atMs}; give milliseconds since 1970, a whole number not below 0`,
    )
  if (!Number.isSafeInteger(metric.step))
    throw new Problem(
      'invalid',
      `the step of the metric ${metric.key} is ${metric.step}; give a whole number`,
    )
  const value = finite(metric.value)
  return Object.is(value, metric.value) ? metric : { ...metric, value }
}

/** The value as it is kept. */
export function finite(value: number): number {
  if (Number.isFinite(value) || Number.isNaN(value)) return value
  return value > 0 ? LARGEST : -LARGEST
}

/**
 * The newest measurement of each key: the greatest by step, then time, then value, whatever the order in
 * which they were written. NaN counts as 0 there.
 */
export function newestOfEachKey(metrics: readonly Metric[]): Metric[] {
  const newest = new Map<string, Metric>()
  for (const metric of metrics) {
    const known = newest.get(metric.key)
    if (known === undefined || isNewer(metric, known)) newest.set(metric.key, metric)
  }
  return [...newest.values()]
}

function isNewer(metric: Metric, than: Metric): boolean {
  if (metric.step !== than.step) return metric.step > than.step
  if (metric.atMs !== than.atMs) return metric.atMs > than.atMs
  return (metric.value || 0) > (than.value || 0)
}

/**
 * The ranks of points, counted from 0, that stand for `total` of them in a chart: the first of each of
 * `most` pieces of one size, and the very last, which takes the place of the last piece's first if need be.
 */
export function sampledRanks(total: number, most: number): number[] {
  const pieces = Math.min(total, most)
  const [size, longer] = [Math.floor(total / pieces), total % pieces]
  const ranks = Array.from({ length: pieces }, (_, piece) => piece * size + Math.min(piece, longer))
  const last = total - 1
  if (ranks.at(-1) === last || total === 0) return ranks
  return pieces >= most ? [...ranks.slice(0, -1), last] : [...ranks, last]
}
