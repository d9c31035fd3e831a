import type { ColumnProfile } from '#tables'
import type { Row } from '../engine.ts'
import type { Leaf } from './leaves.ts'

/** How the different values of a column are counted, as its sample suggests it. */
export type Counting =
  /** Nearly every row has a value of its own: the sample bounds how many repeat. */
  | { readonly kind: 'share'; readonly share: number; readonly within: number }
  /** Few enough to be counted one by one. */
  | { readonly kind: 'all' }
  /** Of so many values one is counted, chosen by its hash: all rows are looked at. */
  | { readonly kind: 'thinned'; readonly oneIn: bigint }

/** Values up to which all are counted. */
const COUNTED_MAX = 50_000
/** Values that are kept of more: an estimate of so many is off by two hundredths at most, 19 times of 20. */
const KEPT = 10_000
/** A bound this near needs no other look. */
const NEAR_ENOUGH = 0.03

/** How often values come in the temporary table `sampled`. */
export function occurrencesText(column: string): string {
  return `select count(*) as values, count_if(n = 1) as once, count_if(n = 2) as twice, sum(n)::bigint as known,
      sum(n * (n - 1) / 2)::double as pairs
    from (select count(*) as n from sampled where ${column} is not null group by ${column})`
}

/** What to do to know the number of different values; `share` is how much of all rows the sample is. */
export function countingFor(occurrences: Row, share: number): Counting {
  const of = (word: string) => Number(occurrences[word] ?? 0)
  const all = of('known') / share
  // A pair of equal values is in the sample with the share's square. Repeats are at most as many as pairs.
  const pairsAtMost = of('pairs') + 2 * Math.sqrt(of('pairs')) + 3
  const within = pairsAtMost / share ** 2 / Math.max(all, 1)
  if (within <= NEAR_ENOUGH)
    return { kind: 'share', share: 1 - of('pairs') / share ** 2 / all, within }
  // Chao's estimate from the values that were seen once and twice.
  const unseen = (of('once') * (of('once') - 1)) / (2 * (of('twice') + 1))
  const expected = Math.min(of('values') + unseen, all)
  return expected <= COUNTED_MAX
    ? { kind: 'all' }
    : { kind: 'thinned', oneIn: BigInt(Math.max(2, Math.round(expected / KEPT))) }
}

/** What a scan of all rows has to count; undefined where the sample said enough. */
export function distinctText({ value }: Leaf, counting: Counting): string | undefined {
  if (counting.kind === 'share') return undefined
  if (counting.kind === 'all') return `count(distinct ${value})`
  const below = `${2n ** 64n / counting.oneIn}::ubigint`
  return `count(distinct hash(${value})) filter (where hash(${value}) < ${below} and ${value} is not null)`
}

/** The number of different values, of `known` that are not null. */
export function distinctOf(
  counting: Counting,
  { counted, known }: { counted: number; known: number },
): NonNullable<ColumnProfile['distinct']> {
  if (counting.kind === 'all') return { count: counted, isExact: true, within: 0 }
  if (counting.kind === 'share')
    return { count: Math.round(known * counting.share), isExact: false, within: counting.within }
  const count = Math.min(counted * Number(counting.oneIn), known)
  return { count, isExact: false, within: 2 / Math.sqrt(Math.max(counted, 4)) }
}
