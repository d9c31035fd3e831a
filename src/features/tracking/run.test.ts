import { expect, test } from 'vitest'
import { checkedBatch, nameOfNewRun, newParams, RUN_NAME_TAG } from './run.ts'

const pairs = (count: number) =>
  Array.from({ length: count }, (_, index) => ({ key: `k${index}`, value: 'v' }))

test('a new run is called as it is given or as its tag says, and the two may not differ', () => {
  const tag = { key: RUN_NAME_TAG, value: 'tagged' }
  expect(nameOfNewRun('given', [])).toBe('given')
  expect(nameOfNewRun('', [tag])).toBe('tagged')
  expect(nameOfNewRun('tagged', [tag])).toBe('tagged')
  expect(nameOfNewRun('', [])).toBeUndefined()
  expect(() => nameOfNewRun('given', [tag])).toThrow(/given.*tagged/)
})

test('a param may be written again with its value, and with no other', () => {
  const kept = [{ key: 'depth', value: '3' }]
  expect(newParams('r', kept, [...kept, { key: 'lr', value: '' }])).toEqual([
    { key: 'lr', value: '' },
  ])
  expect(() => newParams('r', kept, [{ key: 'depth', value: '4' }])).toThrow(
    /"depth" = "3", not "4"/,
  )
})

test('long values are cut, and a batch that is too large or says a thing twice is refused', () => {
  const cut = checkedBatch({
    params: [{ key: 'p', value: 'x'.repeat(7000) }],
    tags: [{ key: 't', value: 'x'.repeat(9000) }],
  })
  expect([cut.params[0]?.value.length, cut.tags[0]?.value.length]).toEqual([6000, 8000])
  expect(() => checkedBatch({ params: pairs(101) })).toThrow(/at most 100 params; got 101/)
  expect(() => checkedBatch({ params: [...pairs(1), ...pairs(1)] })).toThrow(/Duplicate param/)
  expect(
    checkedBatch({ tags: [{ key: 't', value: '1' }, ...pairs(1), { key: 't', value: '2' }] }).tags,
  ).toContainEqual({ key: 't', value: '2' })
  const metrics = Array.from({ length: 901 }, (_, step) => ({ key: 'm', value: 1, step, atMs: 0 }))
  expect(() => checkedBatch({ metrics, params: pairs(100) })).toThrow(/at most 1000 .*; got 1001/)
})
