import { expect, test } from 'vitest'
import { promotionAfter } from './policy-run.ts'

test('what follows a run is read from the policy', () => {
  expect(promotionAfter({ then: 'promote flights-late@champion' })).toEqual({
    model: 'flights-late',
    alias: 'champion',
  })
  expect(promotionAfter({})).toBeUndefined()
})
