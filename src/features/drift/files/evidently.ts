import { distinctUpTo, tallied } from './numbers.ts'
import { reasonNotToJudge, type CategoricalPair, type NumericPair, type Pair } from './pair.ts'
import type { StatisticReport } from './report.ts'
import { statisticReport, type Looked } from './statistics.ts'

/** The statistics that decide on a column, or why there are none. */
export type Judged =
  | { readonly statistics: readonly StatisticReport[] }
  | { readonly reason: string }

/**
 * What Evidently's data drift preset says of a column: its choice by type and size, its thresholds, and its way of
 * looking at a file, which is how pandas reads it. Statistics that are named are asked instead of its choice.
 */
export function evidentlyJudged(pair: Pair, named: readonly string[]): Judged {
  if (pair.kind === 'incomparable') return { reason: pair.reason }
  const reason = reasonNotToJudge(pair)
  if (reason !== undefined) return { reason }
  const unlike = pair.kind === 'numeric' ? ofNoType(pair) : leftOut(pair)
  if (unlike !== undefined) return { reason: unlike }
  const looked = pair.kind === 'numeric' ? numbersOrFew(pair) : categoriesOf(pair)
  const { chosen, as } = choiceFor(looked)
  return {
    statistics:
      named.length === 0
        ? [statisticReport(chosen, as, 'evidently')]
        : named.map((name) => statisticReport(name, looked, 'evidently')),
  }
}

/** A reference with more values than this is compared by how far and no longer by how likely. */
const SMALL = 1000

/** A whole number with no more values than this in the current rows is a category to it. */
const INTEGER_CATEGORIES = 10

/** Numbers with no more values than this are compared value by value. */
const FEW = 5

function choiceFor(looked: Looked): { chosen: string; as: Looked } {
  if (looked.kind === 'numeric') {
    const few = distinctUpTo(looked.one.sorted, looked.other.sorted, FEW)
    if (few !== null) return choiceFor(byValue(looked, few))
    const isSmall = looked.one.sorted.length <= SMALL
    return { chosen: isSmall ? 'kolmogorov-smirnov' : 'wasserstein', as: looked }
  }
  if (looked.one.reduce((all, count) => all + count, 0) > SMALL)
    return { chosen: 'jensen-shannon', as: looked }
  return { chosen: looked.one.length > 2 ? 'chi-square' : 'z', as: looked }
}

/** Whole numbers of few values are categories; numbers with gaps are read as fractions and never are. */
function numbersOrFew({ samples, types, current, reference }: NumericPair): Looked {
  const { reference: one, current: other } = samples
  const hasNoGaps = current.missing === 0
  const looked = {
    kind: 'numeric' as const,
    one,
    other,
    integers:
      isWhole(types.current) && isWhole(types.reference) && hasNoGaps && reference.missing === 0,
  }
  const isCategory =
    isWhole(types.current) &&
    hasNoGaps &&
    distinctUpTo(other.sorted, NONE, INTEGER_CATEGORIES) !== null
  if (!isCategory) return looked
  return byValue(looked, distinctUpTo(one.sorted, other.sorted, Infinity) ?? [])
}

const NONE = new Float64Array()

function isWhole(type: string | null): boolean {
  return /^(TINY|SMALL|BIG)?INT(EGER)?$/.test(type ?? '')
}

function byValue(
  { one, other }: Extract<Looked, { kind: 'numeric' }>,
  values: readonly number[],
): Looked {
  return {
    kind: 'categorical',
    one: [...tallied(one.sorted, values)],
    other: [...tallied(other.sorted, values)],
  }
}

function categoriesOf({ tally }: CategoricalPair): Looked {
  return { kind: 'categorical', one: Array.from(tally.reference), other: Array.from(tally.current) }
}

function ofNoType({ types }: NumericPair): string | undefined {
  return /^(U|DECIMAL|HUGE)/.test(types.current ?? '')
    ? `Evidently does not look at columns of ${types.current}`
    : undefined
}

/** It leaves texts to a classifier, and does not look at what pandas has no type for. */
function leftOut({ tally, types, current }: CategoricalPair): string | undefined {
  if (types.current === 'BOOLEAN')
    return current.missing > 0 ? 'Evidently does not look at booleans with gaps' : undefined
  let distinct = 0
  for (const count of tally.current) if (count > 0) distinct++
  return distinct > (current.rows - current.missing) / 2
    ? 'it is text to Evidently, which trains a classifier on it; --multivariate does so, too'
    : undefined
}
