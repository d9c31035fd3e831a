import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  routedBy,
  routeHeader,
  routeIn,
  routeOf,
  unitHash,
  type RoutingTable,
  type Weighted,
} from './routing.ts'

const tableOf = (weights: readonly number[], parts: Partial<RoutingTable> = {}): RoutingTable => ({
  endpoint: 'late',
  revisions: weights.map((weight, at) => ({ revision: at + 1, version: 10 * (at + 1), weight })),
  shadows: [],
  override: 'refused',
  ...parts,
})

const never = () => {
  throw new Error('nothing is left to chance here')
}

const weightsArb = fc.array(fc.integer({ min: 0, max: 100 }), { minLength: 1, maxLength: 6 })
const takingArb = weightsArb.filter((weights) => weights.some((weight) => weight > 0))

const keyed = (weights: readonly number[], key: string) =>
  routeOf(tableOf(weights), { stickyKey: key }, never).revision

const KEYS = Array.from({ length: 4000 }, (_, at) => `customer-${at}`)

const shareOf = (weights: readonly number[], at: number) =>
  (weights[at] ?? 0) / weights.reduce((sum, weight) => sum + weight, 0)

describe('requests without a key', () => {
  test('are divided as the weights say, and only among revisions that take traffic', () => {
    fc.assert(
      fc.property(takingArb, fc.nat(), (weights, seed) => {
        const draws = 2000
        const counts = weights.map(() => 0)
        for (let at = 0; at < draws; at++) {
          // Evenly spread draws: each revision's share is met to one draw.
          const { revision, reason } = routeOf(
            tableOf(weights),
            {},
            () => (at + (seed % 7) / 7) / draws,
          )
          expect(reason).toBe('draw')
          counts[revision - 1] = (counts[revision - 1] ?? 0) + 1
        }
        weights.forEach((weight, at) => {
          if (weight === 0) expect(counts[at]).toBe(0)
          expect(Math.abs((counts[at] ?? 0) - draws * shareOf(weights, at))).toBeLessThanOrEqual(2)
        })
      }),
      { numRuns: 50 },
    )
  })

  test('go to the only revision without a draw', () => {
    expect(routeOf(tableOf([0, 3, 0]), {}, never).revision).toBe(2)
  })

  test('find nobody when no revision takes traffic', () => {
    expect(() => routeOf(tableOf([0, 0]), {}, () => 0.5)).toThrow(/takes traffic/)
  })

  test('whatever is drawn, somebody answers', () => {
    for (const draw of [0, 0.5, 1 - 2 ** -53])
      expect([1, 2, 3]).toContain(routeOf(tableOf([0.1, 0.2, 0.3]), {}, () => draw).revision)
  })
})

describe('requests with a key', () => {
  test('stay with one revision', () => {
    fc.assert(
      fc.property(takingArb, fc.string(), (weights, key) => {
        const first = keyed(weights, key)
        expect(keyed(weights, key)).toBe(first)
        expect(weights[first - 1]).toBeGreaterThan(0)
      }),
    )
  })

  test('are divided as the weights say', () => {
    fc.assert(
      fc.property(takingArb, (weights) => {
        const counts = weights.map(() => 0)
        for (const key of KEYS) {
          const at = keyed(weights, key) - 1
          counts[at] = (counts[at] ?? 0) + 1
        }
        weights.forEach((_, at) => {
          const share = shareOf(weights, at)
          const error = 5 * Math.sqrt((share * (1 - share)) / KEYS.length) + 0.002
          expect(Math.abs((counts[at] ?? 0) / KEYS.length - share)).toBeLessThanOrEqual(error)
        })
      }),
      { numRuns: 20 },
    )
  })

  test('move only to a revision whose weight has grown relative to that of the one they leave', () => {
    fc.assert(
      fc.property(takingArb, takingArb, (before, after) => {
        const count = Math.min(before.length, after.length)
        const [old, fresh] = [before.slice(0, count), after.slice(0, count)]
        fc.pre([old, fresh].every((weights) => weights.some((weight) => weight > 0)))
        for (const key of KEYS.slice(0, 300)) {
          const [from, to] = [keyed(old, key) - 1, keyed(fresh, key) - 1]
          if (from === to) continue
          const [wasTo = 0, wasFrom = 0] = [old[to], old[from]]
          const [isTo = 0, isFrom = 0] = [fresh[to], fresh[from]]
          expect(isTo * wasFrom).toBeGreaterThan(wasTo * isFrom)
        }
      }),
      { numRuns: 50 },
    )
  })

  test('move no more than must move when a rollout goes a step up', () => {
    const steps = [0, 5, 25, 60, 100]
    for (const [at, share] of steps.slice(1).entries()) {
      const last = steps[at] ?? 0
      const moved = KEYS.filter(
        (key) => keyed([100 - last, last], key) !== keyed([100 - share, share], key),
      )
      expect(moved.every((key) => keyed([100 - share, share], key) === 2)).toBe(true)
      expect(Math.abs(moved.length / KEYS.length - (share - last) / 100)).toBeLessThan(0.03)
    }
  })

  test('are hashed evenly between 0 and 1', () => {
    const values = KEYS.map(unitHash).toSorted((one, other) => one - other)
    const distance = Math.max(...values.map((value, at) => Math.abs(value - at / values.length)))
    // The Kolmogorov-Smirnov distance that one sample in a million exceeds.
    expect(distance).toBeLessThan(2.7 / Math.sqrt(values.length))
    expect(unitHash('')).toBeGreaterThan(0)
  })
})

describe('a route of an earlier answer', () => {
  test('is kept while its revision takes traffic, also against a key', () => {
    fc.assert(
      fc.property(takingArb, fc.nat(6), fc.string(), (weights, at, stickyKey) => {
        const kept = at + 1
        const route = routeOf(tableOf(weights), { route: routeHeader(kept), stickyKey }, never)
        if ((weights[at] ?? 0) > 0) expect(route).toMatchObject({ revision: kept, reason: 'route' })
        else expect(route).toMatchObject({ revision: keyed(weights, stickyKey), reason: 'key' })
      }),
    )
  })

  test.each(['', ':', '::', ':x:', '1', ':1', ':-1:', ':1.5:', `:${'9'.repeat(40)}:`])(
    'that is %j is as good as none',
    (route) => {
      expect(routeIn(route)).toBeUndefined()
      expect(routeOf(tableOf([1, 0]), { route }, never).revision).toBe(1)
    },
  )

  test('is read as it was written', () => {
    fc.assert(
      fc.property(fc.nat(), (revision) => {
        expect(routeIn(routeHeader(revision))).toBe(revision)
      }),
    )
  })
})

describe('a pin', () => {
  test('names a revision or a version, with traffic or without', () => {
    const table = tableOf([100, 0])
    expect(routeOf(table, { pin: { by: 'revision', revision: 2 } }, never).revision).toBe(2)
    expect(routeOf(table, { pin: { by: 'version', version: 20 } }, never)).toMatchObject({
      revision: 2,
      reason: 'pin',
    })
  })

  test('on what is not served says what is', () => {
    expect(() => routeOf(tableOf([1]), { pin: { by: 'version', version: 3 } }, never)).toThrow(
      'endpoint late has no version 3; it serves version 10 (revision 1)',
    )
  })
})

describe('a header that forces a revision', () => {
  test('is refused where the endpoint does not permit it', () => {
    expect(() => routeOf(tableOf([1, 1]), { override: '2' }, never)).toThrow(/does not let callers/)
  })

  test('is followed where it does', () => {
    const table = tableOf([1, 1], { override: 'allowed' })
    expect(routeOf(table, { override: '2' }, never).revision).toBe(2)
    expect(routeOf(table, { override: 'v20', route: ':1:' }, never).revision).toBe(2)
    expect(() => routeOf(table, { override: 'blue' }, never)).toThrow(/names no revision/)
    expect(() => routeOf(table, { override: '7' }, never)).toThrow(/has no revision 7/)
  })

  test.each([
    [{ 'azureml-model-deployment': '2' }, { override: '2' }],
    [{ 'x-amzn-sagemaker-target-variant': 'v3' }, { override: 'v3' }],
    [{ 'x-orrery-revision': '1', 'azureml-model-deployment': '2' }, { override: '1' }],
    [
      { 'x-route': ':4:', 'x-sticky-key': 'ann' },
      { route: ':4:', stickyKey: 'ann' },
    ],
    [{ 'x-sticky-key': ['ann', 'bob'] }, { stickyKey: 'ann' }],
    [{ 'x-orrery-revision': '' }, {}],
  ])('%j is read as %j', (headers, routed) => {
    expect(routedBy(headers)).toEqual(routed)
  })
})

describe('shadows', () => {
  const shadowed = (shares: readonly number[], draws: () => number) =>
    routeOf(
      tableOf([1], { shadows: shares.map((share, at) => ({ revision: at + 5, share })) }),
      {},
      draws,
    ).shadows

  test('are asked for their share of the requests, any number of them', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 5 }),
        (shares) => {
          const asked = shares.map(() => 0)
          for (let at = 0; at < 200; at++)
            for (const revision of shadowed(shares, () => at / 200))
              asked[revision - 5] = (asked[revision - 5] ?? 0) + 1
          shares.forEach((share, at) =>
            expect(Math.abs((asked[at] ?? 0) - 200 * share)).toBeLessThanOrEqual(1),
          )
        },
      ),
    )
  })

  test('are left alone at 0 and always asked at 1, without a draw', () => {
    expect(shadowed([0, 1], never)).toEqual([6])
  })

  test('do not shadow themselves', () => {
    const revisions: Weighted[] = [{ revision: 5, version: 1, weight: 1 }]
    expect(
      routeOf(tableOf([], { revisions, shadows: [{ revision: 5, share: 1 }] }), {}, never),
    ).toEqual({ revision: 5, reason: 'draw', shadows: [] })
  })
})
