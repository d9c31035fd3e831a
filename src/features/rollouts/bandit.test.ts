import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { chanceOf } from '../../../tests/support/random.ts'
import {
  banditWeights,
  isWorthAChange,
  probabilitiesOfBest,
  type Arm,
  type BanditPlan,
} from './bandit.ts'

const THOMPSON: BanditPlan = { by: 'thompson', epsilon: 0.02, reward: 'binary' }
const GREEDY: BanditPlan = { by: 'epsilon-greedy', epsilon: 0.1, reward: 'real' }

const binary = (revision: number, rewards: number, sum: number): Arm => ({
  revision,
  rewards,
  sum,
  squares: sum,
})

const armArb = fc
  .tuple(fc.integer({ min: 10, max: 5000 }), fc.double({ min: 0, max: 1, noNaN: true }))
  .map(([rewards, part]) => ({ rewards, sum: Math.round(rewards * part) }))
const armsArb = fc
  .array(armArb, { minLength: 1, maxLength: 5 })
  .map((arms) => arms.map(({ rewards, sum }, at) => binary(at + 1, rewards, sum)))

describe('weights of an experiment', () => {
  test('are shares of 1, and nobody goes without', () => {
    fc.assert(
      fc.property(armsArb, fc.constantFrom(THOMPSON, GREEDY), (arms, plan) => {
        const weights = banditWeights(arms, plan)
        expect(weights.reduce((sum, { weight }) => sum + weight, 0)).toBeCloseTo(1, 9)
        for (const { weight } of weights)
          expect(weight).toBeGreaterThanOrEqual(plan.epsilon / arms.length - 1e-12)
      }),
      { numRuns: 40 },
    )
  })

  test('are even until each revision was rewarded often enough', () => {
    expect(banditWeights([binary(1, 9, 9), binary(2, 1000, 0)], THOMPSON)).toEqual([
      { revision: 1, weight: 0.5 },
      { revision: 2, weight: 0.5 },
    ])
  })

  test('of the greedy go to the best but for the share that explores', () => {
    const arms = [binary(1, 100, 50), binary(2, 100, 60)]
    const [one, two] = banditWeights(arms, GREEDY)
    expect(one?.weight).toBeCloseTo(0.05)
    expect(two?.weight).toBeCloseTo(0.95)
  })
})

describe('the probability to be the best', () => {
  test('is the one that sampling from the posteriors gives', () => {
    // 400,000 draws of numpy's beta(31, 71), beta(41, 61) and beta(46, 56).
    const arms = [binary(1, 100, 30), binary(2, 100, 40), binary(3, 100, 45)]
    const [one, two, three] = probabilitiesOfBest(arms, 'binary')
    expect(one).toBeCloseTo(0.0063, 3)
    expect(two).toBeCloseTo(0.2357, 2)
    expect(three).toBeCloseTo(0.758, 2)
  })

  test('is even for equals, and holds for one that is known a thousand times as well', () => {
    const [one, two] = probabilitiesOfBest([binary(1, 500, 100), binary(2, 500, 100)], 'binary')
    expect(one).toBeCloseTo(0.5, 6)
    expect(two).toBeCloseTo(0.5, 6)
    const [known] = probabilitiesOfBest([binary(1, 1e6, 3e5), binary(2, 20, 6)], 'binary')
    expect(known).toBeGreaterThan(0.3)
    expect(known).toBeLessThan(0.6)
  })

  test('of real rewards is that of two Gaussians', () => {
    // Means 1.0 and 1.1, variance 1, 200 rewards each: Φ(0.1 / sqrt(2 / 200)) = Φ(1) = 0.8413.
    const real = (revision: number, mean: number): Arm => ({
      revision,
      rewards: 200,
      sum: 200 * mean,
      squares: 200 * (1 + mean * mean),
    })
    const [, two] = probabilitiesOfBest([real(1, 1), real(2, 1.1)], 'real')
    expect(two).toBeCloseTo(0.8413, 3)
  })

  test('of rewards that never differ does not fail', () => {
    const same: Arm[] = [1, 2].map((revision) => ({ revision, rewards: 50, sum: 50, squares: 50 }))
    expect(probabilitiesOfBest(same, 'real')[0]).toBeCloseTo(0.5)
  })
})

test.each([THOMPSON, GREEDY])('an experiment finds the better revision: %j', (plan) => {
  const chance = chanceOf(3)
  const rates = [0.1, 0.14]
  let arms = [binary(1, 0, 0), binary(2, 0, 0)]
  let given = 0
  for (let round = 0; round < 40; round++) {
    const weights = banditWeights(arms, plan)
    for (let request = 0; request < 250; request++) {
      const at = chance.next() < (weights[0]?.weight ?? 0) ? 0 : 1
      const won = chance.next() < (rates[at] ?? 0) ? 1 : 0
      arms = arms.map((arm, index) =>
        index === at ? binary(arm.revision, arm.rewards + 1, arm.sum + won) : arm,
      )
      if (round >= 20 && at === 1) given++
    }
  }
  expect(given / 5000).toBeGreaterThan(0.8)
})

test('a change is worth it beyond the threshold, also for a revision that is new', () => {
  const even = [
    { revision: 1, weight: 0.5 },
    { revision: 2, weight: 0.5 },
  ]
  expect(isWorthAChange(even, even, 0.01)).toBe(false)
  expect(isWorthAChange(even, [{ revision: 1, weight: 0.52 }], 0.01)).toBe(true)
  expect(isWorthAChange(even, [{ revision: 3, weight: 0.1 }], 0.01)).toBe(true)
})
