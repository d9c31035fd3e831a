import { expect, test } from 'vitest'
import { shadowRoom } from './shadow-room.ts'

test('under load shadows are left out first, but for a few, and asked again when there is room', () => {
  const world = { nowMs: 0, isBusy: false, draw: 0 }
  const draws = () => (world.draw = (world.draw + 1) % 64) / 64
  const hasRoom = shadowRoom(draws, { isBusy: () => world.isBusy, nowMs: () => world.nowMs })
  const askedInSpan = () => {
    world.nowMs += 250
    return Array.from({ length: 645 }, hasRoom).filter(Boolean).length
  }
  expect(askedInSpan()).toBe(645)
  world.isBusy = true
  const busy = Array.from({ length: 8 }, askedInSpan)
  expect(busy).toEqual([325, 165, 85, 45, 25, 15, 15, 15])
  world.isBusy = false
  const calm = Array.from({ length: 12 }, askedInSpan)
  expect(calm.every((count, at) => count >= (calm[at - 1] ?? 0))).toBe(true)
  expect(calm.at(-1)).toBe(645)
})
