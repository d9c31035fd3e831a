import type { CategoricalProfile, ColumnProfile, Counts } from './profile.ts'

/** Of thousands of equally frequent categories hardly one is by chance so many standard deviations above their mean. */
const DEVIATIONS = 5

/**
 * The bins of a column's counts as they are compared. Which of many categories get a bin is read off the reference itself, so
 * those that got one by luck look rarer in any other rows. Categories that do not stand out from those without a bin are
 * counted with them.
 */
export function comparedBins(
  column: Extract<ColumnProfile, { counts: Counts }>,
  { bins }: Counts,
): readonly number[] {
  if (column.kind === 'numeric') return bins
  const line = luckIn(column)
  const own = column.counts.bins
  const isLucky = (at: number) => at < bins.length - 1 && (own[at] as number) <= line
  if (!bins.some((_, at) => isLucky(at))) return bins
  const kept = bins.filter((_, at) => !isLucky(at))
  const lucky = bins.reduce((all, count, at) => (isLucky(at) ? all + count : all), 0)
  const others = kept.pop() ?? 0
  return [...kept, others + lucky]
}

/** How often a category without a bin may be there by luck; -1 where all have one, or nobody counted them. */
function luckIn({ categories, counts, distinct = 0 }: CategoricalProfile): number {
  const without = distinct - categories.length
  const rows = counts.bins.at(-1) ?? 0
  if (without <= 0 || rows === 0) return -1
  const mean = rows / without
  return mean + DEVIATIONS * Math.sqrt(mean)
}
