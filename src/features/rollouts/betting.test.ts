import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { chanceOf } from '../../../tests/support/random.ts'
import {
  betOnDifference,
  betOnRate,
  DIFFERENCE_BETS,
  logMean,
  logWealth,
  newWealth,
  RATE_BETS,
  type Wealth,
} from './betting.ts'
import { quantileBounds, rateBounds } from './bounds.ts'
import { latencyBin } from '#inference'
import { addLatencies, NO_LATENCIES } from './latency.ts'

const ALPHA = 0.05
const REJECTED = -Math.log(ALPHA)

const countOf = (chance: { next(): number }, all: number, rate: number) => {
  let bad = 0
  for (let at = 0; at < all; at++) if (chance.next() < rate) bad++
  return bad
}

/** The share of rollouts in which the wealth ever reaches 1/α. */
function rejections(
  rollouts: number,
  looks: number,
  bet: (wealth: Wealth, look: number) => Wealth,
  bets: number,
) {
  let rejected = 0
  for (let at = 0; at < rollouts; at++) {
    let wealth = newWealth(bets)
    for (let look = 0; look < looks; look++) {
      wealth = bet(wealth, look)
      if (logWealth(wealth) >= REJECTED) {
        rejected++
        break
      }
    }
  }
  return rejected / rollouts
}

/** What a true rate of α gives at most, but for one simulation in ten thousand. */
const atMost = (alpha: number, rollouts: number) =>
  alpha + 3.7 * Math.sqrt((alpha * (1 - alpha)) / rollouts)

describe('the wealth', () => {
  test('is 1 before anything was seen', () => {
    expect(logWealth(newWealth(RATE_BETS))).toBeCloseTo(0, 10)
  })

  test('is on average no more than 1 after a batch, whatever is true within the hypothesis', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0.001, max: 0.5, noNaN: true }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.integer({ min: 1, max: 12 }),
        (limit, part, all) => {
          const rate = limit * part
          let mean = 0
          let ways = 1
          for (let bad = 0; bad <= all; bad++) {
            const probability = ways * rate ** bad * (1 - rate) ** (all - bad)
            mean +=
              probability *
              Math.exp(logWealth(betOnRate(newWealth(RATE_BETS), limit, { bad, all })))
            ways = (ways * (all - bad)) / (bad + 1)
          }
          expect(mean).toBeLessThanOrEqual(1 + 1e-9)
        },
      ),
    )
  })

  test('of a comparison is on average no more than 1 after a request that was given out by chance', () => {
    const unit = fc.double({ min: 0, max: 1, noNaN: true })
    fc.assert(
      fc.property(
        fc.record({
          share: fc.double({ min: 0.01, max: 0.99, noNaN: true }),
          value: unit,
          worse: unit,
          margin: fc.double({ min: 0, max: 0.5, noNaN: true }),
          centre: unit,
        }),
        ({ share, value, worse, margin, centre }) => {
          // The new one is worse by the margin at most.
          const fresh = Math.min(1, value + margin * worse)
          const wealth = (seen: Parameters<typeof betOnDifference>[2]) =>
            Math.exp(
              logWealth(
                betOnDifference(newWealth(DIFFERENCE_BETS), { share, margin, centre }, seen),
              ),
            )
          const mean =
            share * wealth({ fresh: [{ value: fresh, count: 1 }], old: [] }) +
            (1 - share) * wealth({ fresh: [], old: [{ value, count: 1 }] })
          expect(mean).toBeLessThanOrEqual(1 + 1e-9)
        },
      ),
    )
  })

  test('never falls below what was kept aside', () => {
    let wealth = newWealth(RATE_BETS)
    for (let batch = 0; batch < 5000; batch++)
      wealth = betOnRate(wealth, 0.01, { bad: 0, all: 500 })
    expect(Math.exp(logWealth(wealth))).toBeGreaterThan(0.03)
    expect(wealth.logs.every(Number.isFinite)).toBe(true)
  })

  test('means of e-values are e-values', () => {
    expect(logMean([0, 0])).toBeCloseTo(0)
    expect(logMean([Math.log(3), -Infinity])).toBeCloseTo(Math.log(1.5))
  })
})

describe('false alarms', () => {
  test('of a rate that is just at the limit stay below α, looking after every batch', () => {
    const chance = chanceOf(11)
    const bet = (wealth: Wealth) =>
      betOnRate(wealth, 0.02, { bad: countOf(chance, 20, 0.02), all: 20 })
    expect(rejections(1500, 60, bet, RATE_BETS)).toBeLessThanOrEqual(atMost(ALPHA, 1500))
  })

  test('of equal revisions stay below α while share and errors of both change by the hour', () => {
    const chance = chanceOf(12)
    const bet = (wealth: Wealth, look: number) => {
      const share = [0.05, 0.25, 0.6][Math.floor(look / 20)] ?? 0.6
      const rate = look % 10 < 3 ? 0.4 : 0.01
      let [fresh, badFresh, badOld] = [0, 0, 0]
      for (let request = 0; request < 20; request++) {
        const isFresh = chance.next() < share
        const isBad = chance.next() < rate
        if (isFresh) fresh++
        if (isBad && isFresh) badFresh++
        if (isBad && !isFresh) badOld++
      }
      return betOnDifference(
        wealth,
        { share, margin: 0, centre: 0 },
        {
          fresh: [
            { value: 1, count: badFresh },
            { value: 0, count: fresh - badFresh },
          ],
          old: [
            { value: 1, count: badOld },
            { value: 0, count: 20 - fresh - badOld },
          ],
        },
      )
    }
    expect(rejections(1500, 60, bet, DIFFERENCE_BETS)).toBeLessThanOrEqual(atMost(ALPHA, 1500))
  })
})

describe('harm', () => {
  test('is found, the sooner the greater it is', () => {
    const chance = chanceOf(13)
    const delay = (rate: number) => {
      let wealth = newWealth(RATE_BETS)
      for (let look = 1; look < 1000; look++) {
        wealth = betOnRate(wealth, 0.01, { bad: countOf(chance, 10, rate), all: 10 })
        if (logWealth(wealth) >= REJECTED) return look
      }
      return Infinity
    }
    expect(delay(1)).toBe(1)
    expect(delay(0.2)).toBeLessThan(10)
    expect(delay(0.05)).toBeLessThan(100)
  })

  test('that begins after an hour without any is found within seconds', () => {
    let wealth = newWealth(RATE_BETS)
    for (let second = 0; second < 3600; second++)
      wealth = betOnRate(wealth, 0.01, { bad: 0, all: 100 })
    let seconds = 0
    while (logWealth(wealth) < REJECTED) {
      wealth = betOnRate(wealth, 0.01, { bad: 5, all: 100 })
      seconds++
    }
    expect(seconds).toBeLessThanOrEqual(5)
  })

  test('that only the new revision does is found on a small share', () => {
    let wealth = newWealth(DIFFERENCE_BETS)
    let requests = 0
    while (logWealth(wealth) < REJECTED && requests < 10_000) {
      // Of 100 requests the new one gets 5, and fails one of them.
      wealth = betOnDifference(
        wealth,
        { share: 0.05, margin: 0.01, centre: 0 },
        {
          fresh: [
            { value: 1, count: 1 },
            { value: 0, count: 4 },
          ],
          old: [{ value: 0, count: 95 }],
        },
      )
      requests += 100
    }
    expect(requests).toBeLessThanOrEqual(400)
  })
})

describe('bounds', () => {
  test('of a rate hold at all moments together', () => {
    const chance = chanceOf(14)
    let missed = 0
    for (let at = 0; at < 800; at++) {
      let [bad, all] = [0, 0]
      for (let look = 0; look < 40; look++) {
        bad += countOf(chance, 10, 0.1)
        all += 10
        const { lower, upper } = rateBounds({ bad, all }, ALPHA)
        if (lower > 0.1 || upper < 0.1) {
          missed++
          break
        }
      }
    }
    expect(missed / 800).toBeLessThanOrEqual(atMost(ALPHA, 800))
  })

  test('enclose the estimate and narrow with the samples', () => {
    fc.assert(
      fc.property(fc.nat(500), fc.nat(500), (bad, good) => {
        const all = bad + good
        const { lower, upper } = rateBounds({ bad, all }, ALPHA)
        if (all > 0) expect(lower).toBeLessThanOrEqual(bad / all)
        if (all > 0) expect(upper).toBeGreaterThanOrEqual(bad / all)
        const more = rateBounds({ bad: 10 * bad, all: 10 * all }, ALPHA)
        expect(more.upper - more.lower).toBeLessThanOrEqual(upper - lower)
      }),
    )
  })

  test('of a quantile enclose it and narrow with the samples', () => {
    const bins = Array.from({ length: 10_000 }, (_, at) => latencyBin(1 + at / 100))
    const latencies = bins.reduce(
      (sum, bin) => addLatencies(sum, { total: 1, bins: [[bin, 1]] }),
      NO_LATENCIES,
    )
    const { lower, upper } = quantileBounds(latencies, 0.9, ALPHA)
    expect(lower).toBeGreaterThan(84)
    expect(lower).toBeLessThan(91)
    expect(upper).toBeGreaterThan(91)
    expect(upper).toBeLessThan(98)
    expect(quantileBounds(NO_LATENCIES, 0.9, ALPHA)).toEqual({ lower: 0, upper: Infinity })
  })
})
