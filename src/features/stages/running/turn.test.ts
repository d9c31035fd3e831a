import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { createTurn } from './turn.ts'

/** A lock that tells what happened to it. */
function lockLog() {
  const log: string[] = []
  return {
    log,
    lock: {
      acquire: async () => {
        log.push('acquired')
        return () => void log.push('released')
      },
    },
  }
}

test('steps that go on at the same time share the lock, and the last one gives it back', async () => {
  const { log, lock } = lockLog()
  const turn = createTurn(lock)
  const first = Promise.withResolvers<void>()
  const one = turn.within(() => first.promise)
  await turn.within(async () => void log.push('other'))
  await sleep(50)
  expect(log).toEqual(['acquired', 'other'])
  first.resolve()
  await one
  await expect.poll(() => log).toEqual(['acquired', 'other', 'released'])
})

test('it is free while all are outside for long, and held again before one comes back', async () => {
  const { log, lock } = lockLog()
  const turn = createTurn(lock)
  await turn.within(async () => {
    await turn.outside(async () => {
      await sleep(50)
      log.push('running')
    })
    log.push('back')
  })
  await expect
    .poll(() => log)
    .toEqual(['acquired', 'released', 'running', 'acquired', 'back', 'released'])
})

test('it is not given up for a moment, nor between steps that follow each other', async () => {
  const { log, lock } = lockLog()
  const turn = createTurn(lock)
  for (let step = 0; step < 3; step++) await turn.within(() => turn.outside(async () => undefined))
  expect(log).toEqual(['acquired'])
  await expect.poll(() => log).toEqual(['acquired', 'released'])
})

test('at the end it is given back at once', async () => {
  const { log, lock } = lockLog()
  const turn = createTurn(lock)
  await turn.within(async () => undefined)
  turn.end()
  await Promise.resolve()
  expect(log).toEqual(['acquired', 'released'])
})

test('a lock that is not to be had is told to all who wait, and asked for again by the next', async () => {
  let tries = 0
  const turn = createTurn({
    acquire: async () => {
      if (++tries === 1) throw new Error('taken')
      return () => undefined
    },
  })
  const work = async () => 'done'
  await expect(Promise.all([turn.within(work), turn.within(work)])).rejects.toThrow('taken')
  await expect(turn.within(work)).resolves.toBe('done')
  expect(tries).toBe(2)
})
