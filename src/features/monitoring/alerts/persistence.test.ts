import { describe, expect, test } from 'vitest'
import { persists } from './persistence.ts'

describe('a condition', () => {
  const threeOfFive = { windows: 3, of: 5 }

  test('persists when it held in enough of the last windows', () => {
    expect(persists([true, false, true, false, true], threeOfFive)).toBe(true)
    expect(persists([true, true], threeOfFive)).toBe(false)
    expect(persists([true, true, true, false, false, false], threeOfFive)).toBe(false)
  })

  test('is neither kept up nor ended by windows that could not be judged', () => {
    expect(persists([true, true, null, null, null, null, true], threeOfFive)).toBe(true)
    expect(persists([true, null, null, true, null], threeOfFive)).toBe(false)
  })
})
