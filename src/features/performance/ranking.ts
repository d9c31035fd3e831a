import { lazy, mean, none, SHARE } from './intervals.ts'
import type { LazyMetrics, Metric, RankingAnswers } from './tasks.ts'

/** Metrics of rankings to place k; each is a mean over groups of rows that were ranked against each other. */
export function rankingMetrics(answers: RankingAnswers, ks: readonly number[]): LazyMetrics {
  const lists = lazy(() => listsOf(answers))
  return Object.fromEntries(
    ks.flatMap((k) => [
      [`ndcg@${k}`, () => over(lists(), (list) => ndcg(list, k, (gain) => gain))],
      [`ndcg_exp@${k}`, () => over(lists(), (list) => ndcg(list, k, (gain) => 2 ** gain - 1))],
      [`precision@${k}`, () => over(lists(), (list) => hitsIn(list, k) / k)],
      [`recall@${k}`, () => relevant(lists(), (list) => hitsIn(list, k) / relevantIn(list))],
      [`hit_rate@${k}`, () => relevant(lists(), (list) => Math.min(1, hitsIn(list, k)))],
      [`map@${k}`, () => relevant(lists(), (list) => averagePrecision(list, k))],
      [`mrr@${k}`, () => relevant(lists(), (list) => reciprocal(list, k))],
    ]),
  )
}

/** How right the rows of one group are, the highest score first; rows of one score keep their order. */
interface Ranked {
  readonly truths: Float64Array
  readonly scores: Float64Array
}

function listsOf({ groups, truths, scores }: RankingAnswers): Ranked[] {
  const rows = new Map<number, number[]>()
  for (const [row, group] of groups.entries()) {
    const list = rows.get(group)
    if (list === undefined) rows.set(group, [row])
    else list.push(row)
  }
  return [...rows.values()].map((list) => {
    const order = list.toSorted((i, j) => (scores[j] as number) - (scores[i] as number) || i - j)
    return {
      truths: Float64Array.from(order, (row) => truths[row] as number),
      scores: Float64Array.from(order, (row) => scores[row] as number),
    }
  })
}

function over(lists: readonly Ranked[], of: (list: Ranked) => number): Metric {
  return mean(Float64Array.from(lists, of), { range: SHARE })
}

/** Over the groups that have something right in them: of the others nothing can be found. */
function relevant(lists: readonly Ranked[], of: (list: Ranked) => number): Metric {
  const some = lists.filter((list) => relevantIn(list) > 0)
  if (some.length === 0) return none('nothing is right in any group')
  const found = over(some, of)
  const left = lists.length - some.length
  return left === 0
    ? found
    : { ...found, note: `${left} of ${lists.length} groups have nothing right in them` }
}

/** Gains to place k, less the lower they stand; rows of one score share their gains. 0 where nothing is right. */
function ndcg({ truths, scores }: Ranked, k: number, gainOf: (truth: number) => number): number {
  const gains = truths.map(gainOf)
  const ideal = gains
    .toSorted()
    .toReversed()
    .reduce((all, gain, place) => all + gain * discount(place, k), 0)
  if (ideal === 0) return 0
  let found = 0
  for (let start = 0; start < gains.length;) {
    let end = start
    let total = 0
    let weight = 0
    for (; end < gains.length && scores[end] === scores[start]; end++) {
      total += gains[end] as number
      weight += discount(end, k)
    }
    found += (total / (end - start)) * weight
    start = end
  }
  return found / ideal
}

function discount(place: number, k: number): number {
  return place < k ? 1 / Math.log2(place + 2) : 0
}

function relevantIn({ truths }: Ranked): number {
  return truths.reduce((all, truth) => all + (truth > 0 ? 1 : 0), 0)
}

function hitsIn({ truths }: Ranked, k: number): number {
  return truths.subarray(0, k).reduce((all, truth) => all + (truth > 0 ? 1 : 0), 0)
}

function averagePrecision(list: Ranked, k: number): number {
  let hits = 0
  let total = 0
  for (const [place, truth] of list.truths.subarray(0, k).entries()) {
    if (!(truth > 0)) continue
    hits++
    total += hits / (place + 1)
  }
  return total / Math.min(k, relevantIn(list))
}

function reciprocal({ truths }: Ranked, k: number): number {
  const place = truths.subarray(0, k).findIndex((truth) => truth > 0)
  return place === -1 ? 0 : 1 / (place + 1)
}
