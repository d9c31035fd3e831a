import { expect, test } from 'vitest'
import { canonicalJson } from '#base/json'
import { plainFact } from './plain.ts'

test('a fact with an infinity or a NaN in it can be kept, and says nothing there', () => {
  const data = { mean: Infinity, list: [1, -Infinity, { at: NaN }], text: 'Infinity', none: null }
  const fact = plainFact({ type: 'window-evaluated', data, eventMs: 1 })
  expect(() => canonicalJson(fact)).not.toThrow()
  expect(fact).toEqual({
    type: 'window-evaluated',
    data: { mean: null, list: [1, null, { at: null }], text: 'Infinity', none: null },
    eventMs: 1,
  })
})
