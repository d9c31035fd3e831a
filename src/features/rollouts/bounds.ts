import { rankAt, type Latencies } from './latency.ts'

/** Where the truth lies; at every moment at once with the stated confidence. */
export interface Bounds {
  readonly lower: number
  readonly upper: number
}

/**
 * A confidence sequence for a rate: all rates p against which a Beta(1/2, 1/2) mixture of bets has not won 1/α. It
 * holds at all times together (H. Robbins, "Statistical methods related to the law of the iterated logarithm", Ann.
 * Math. Stat. 41 (1970); Howard, Ramdas, McAuliffe and Sekhon (2021), section 3).
 */
export function rateBounds({ bad, all }: { bad: number; all: number }, alpha: number): Bounds {
  if (all === 0) return { lower: 0, upper: 1 }
  const good = all - bad
  const mixture = logBeta(bad + 0.5, good + 0.5) - logBeta(0.5, 0.5)
  const excludes = (rate: number) =>
    mixture - bad * logOf(rate, bad) - good * logOf(1 - rate, good) >= -Math.log(alpha)
  const middle = bad / all
  return {
    lower: bad === 0 ? 0 : edge({ kept: middle, lost: 0 }, excludes),
    upper: good === 0 ? 1 : edge({ kept: middle, lost: 1 }, excludes),
  }
}

/** The logarithm where it counts; a term that does not occur is worth nothing whatever its rate. */
function logOf(rate: number, times: number): number {
  return times === 0 ? 0 : Math.log(rate)
}

function edge(
  { kept, lost }: { kept: number; lost: number },
  excludes: (rate: number) => boolean,
): number {
  let [inside, outside] = [kept, lost]
  for (let halvings = 0; halvings < 50; halvings++) {
    const middle = (inside + outside) / 2
    if (excludes(middle)) outside = middle
    else inside = middle
  }
  // The outer end of what is left: never too narrow.
  return outside
}

/**
 * A confidence sequence for a quantile: how many observations lie below it is a sum of coins with a known
 * probability, so bounds of that rate give bounds of its rank, and those give bounds in milliseconds (S. Howard and
 * A. Ramdas, "Sequential estimation of quantiles with applications to A/B testing and best-arm identification",
 * Bernoulli 28 (2022), section 3).
 */
export function quantileBounds(latencies: Latencies, quantile: number, alpha: number): Bounds {
  const all = latencies.total
  if (all === 0) return { lower: 0, upper: Infinity }
  const holds = (bad: number) => {
    const { lower, upper } = rateBounds({ bad, all }, alpha)
    return lower <= quantile && quantile <= upper
  }
  // The ranks that are compatible lie around quantile × all and form one span.
  const around = Math.min(all, Math.max(0, Math.round(quantile * all)))
  const least = first(0, around, (rank) => holds(rank))
  const most = all - first(0, all - around, (missing) => holds(all - missing))
  return {
    lower: least === 0 ? 0 : rankAt(latencies, least).lowerMs,
    upper: most >= all ? Infinity : rankAt(latencies, most + 1).upperMs,
  }
}

/** The first number of a span from which on something holds; its end is known to hold. */
function first(from: number, to: number, holds: (number: number) => boolean): number {
  let [low, high] = [from, to]
  while (low < high) {
    const middle = Math.floor((low + high) / 2)
    if (holds(middle)) high = middle
    else low = middle + 1
  }
  return low
}

function logBeta(one: number, other: number): number {
  return logGamma(one) + logGamma(other) - logGamma(one + other)
}

/** Stirling's series, after the argument was moved to where it is exact to rounding. */
function logGamma(at: number): number {
  let [x, product] = [at, 1]
  while (x < 8) {
    product *= x
    x += 1
  }
  const square = 1 / (x * x)
  const series = (1 / 12 - square * (1 / 360 - square * (1 / 1260 - square / 1680))) / x
  return (x - 0.5) * Math.log(x) - x + 0.5 * Math.log(2 * Math.PI) + series - Math.log(product)
}
