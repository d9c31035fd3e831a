import { expect, test } from 'vitest'
import { createTurns } from './turns.ts'

test('what has one name is done in its order, although one fails, and other names do not wait', async () => {
  const inTurn = createTurns()
  const gate = Promise.withResolvers<undefined>()
  const seen: string[] = []
  const say = (word: string) => async () => void seen.push(word)
  const first = inTurn('a', async () => gate.promise)
  const failing = inTurn('a', async () => {
    seen.push('second')
    throw new Error('no')
  })
  const third = inTurn('a', say('third'))
  await inTurn('b', say('other'))
  expect(seen).toEqual(['other'])
  gate.resolve(undefined)
  await first
  await expect(failing).rejects.toThrow('no')
  await third
  expect(seen).toEqual(['other', 'second', 'third'])
  expect(await inTurn('a', async () => 7)).toBe(7)
})
