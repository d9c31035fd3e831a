import { expect, test } from 'vitest'
import { lonePlaces } from './lone-places.ts'

test.each([
  [[], []],
  [[5], [0]],
  [[1, 2], []],
  [
    [0, null, 3, 4, null, 5, undefined],
    [0, 5],
  ],
])('of %j those at %j stand alone', (values, places) => {
  expect(lonePlaces(values)).toEqual(places)
})
