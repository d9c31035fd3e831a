import { expect, test } from 'vitest'
import { viewIn } from './view.ts'

test('an address gives the view it was made from, and nothing that is not ours', () => {
  expect(viewIn({ days: 90, endpoint: 'e', entry: 12 })).toEqual({
    days: 90,
    endpoint: 'e',
    entry: 12,
  })
  expect(viewIn({ days: 7, endpoint: 3, entry: -1, other: 'x' })).toEqual({})
  expect(viewIn({ entry: '12', days: '30' })).toEqual({})
})
