import { expect, test } from 'vitest'
import { checkRoom, createRoom } from './room.ts'

const MACHINE = { cpus: 2, memoryBytes: 1000, gpus: 2 }

test('as many run at once as have room, and the next enters when one leaves', () => {
  const room = createRoom(MACHINE)
  const first = room.enter({ cpus: 1 })
  expect(room.enter({ cpus: 1 })).toBeDefined()
  expect(room.enter({ cpus: 1 })).toBeUndefined()
  first?.leave()
  expect(room.enter({ cpus: 1 })).toBeDefined()
})

test('twenty tenths fit on two processors', () => {
  const room = createRoom(MACHINE)
  const places = Array.from({ length: 21 }, () => room.enter({ cpus: 0.1 }))
  expect(places.filter((place) => place !== undefined)).toHaveLength(20)
})

test('a stage that declares nothing runs alone, unless a number of jobs is given', () => {
  const alone = createRoom(MACHINE)
  const [one, other] = [alone.enter(undefined), alone.enter({ cpus: 0.1 })]
  expect([one === undefined, other === undefined]).toEqual([false, true])
  const two = createRoom(MACHINE, 2)
  const places = Array.from({ length: 3 }, () => two.enter(undefined))
  expect(places.map((place) => place !== undefined)).toEqual([true, true, false])
})

test('no more jobs run than were asked for, however small', () => {
  const room = createRoom(MACHINE, 1)
  expect(room.enter({ cpus: 0.1 })).toBeDefined()
  expect(room.enter({ cpus: 0.1 })).toBeUndefined()
})

test('memory counts, and what is larger than the machine takes all of it', () => {
  const room = createRoom(MACHINE)
  const half = room.enter({ cpus: 0.1, memoryBytes: 500 })
  expect(room.enter({ cpus: 0.1, memoryBytes: 5000 })).toBeUndefined()
  expect(room.enter({ cpus: 0.1, memoryBytes: 500 })).toBeDefined()
  half?.leave()
  expect(createRoom(MACHINE).enter({ cpus: 64, memoryBytes: 5000 })).toBeDefined()
})

test('each has graphics cards of its own, and what the machine has not is told', () => {
  const room = createRoom(MACHINE)
  const one = room.enter({ cpus: 0.1, gpus: 1 })
  const two = room.enter({ cpus: 0.1, gpus: 1 })
  expect([one?.gpus, two?.gpus]).toEqual([[0], [1]])
  one?.leave()
  expect(room.enter({ cpus: 0.1, gpus: 2 })).toBeUndefined()
  two?.leave()
  expect(room.enter({ cpus: 0.1, gpus: 2 })?.gpus.toSorted()).toEqual([0, 1])
  expect(() => checkRoom(MACHINE, 'train', { gpus: 3 })).toThrow(
    /train needs 3 graphics cards and this machine has 2/,
  )
})
