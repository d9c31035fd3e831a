import { expect, test } from 'vitest'
import { calm } from './calm.ts'

const quiet = { end: () => ({ file: 1, offset: 0 }) }

test('nothing is waited for while the journal does not grow, or time is left', async () => {
  expect(await looks(quiet, 0)).toBe(1)
  expect(await looks(growing(), 0.9)).toBe(1)
})

test('what answers are put off for is waited for, and not for ever', async () => {
  expect(await looks(growing(), 0)).toBe(4)
})

test('a wait that nobody wants any more is broken off with the reason', async () => {
  const signal = AbortSignal.abort(new Error('no more'))
  await expect(calm(growing(), { mostMs: 1000, signal, spare: () => 0 })).rejects.toThrow('no more')
})

/** How often it was looked before the wait was over; a second has four looks. */
async function looks(source: typeof quiet, spare: number): Promise<number> {
  let count = -1
  const end = () => {
    count += 1
    return source.end()
  }
  await calm({ end }, { mostMs: 1000, spare: () => spare })
  return count
}

function growing(): typeof quiet {
  let offset = 0
  return { end: () => ({ file: 1, offset: (offset += 1) }) }
}
