import { setImmediate } from 'node:timers/promises'
import { afterAll, describe, expect, test } from 'vitest'
import { workshopHere, type WorkName } from '#monitoring'
import type { PredictionRow } from '#serving'
import { judgingThread } from './workshop.ts'

const thread = judgingThread({ idleMs: 200 })
afterAll(thread.stop)

/** Numbers from 0 to 1 that look like chance and are the same each time. */
const spread = (at: number) => Math.abs((Math.sin(at * 12.9898) * 43_758.5453) % 1)

function rowsOf(count: number): PredictionRow[] {
  return Array.from({ length: count }, (_, at) => ({
    id: `b-${at}`,
    batch: 'b',
    revision: 1,
    modelVersion: 'm/1',
    role: 'live',
    eventMs: at,
    atMs: at,
    latencyMs: 1,
    key: null,
    inputs: { x: spread(at), y: spread(at + 1), shop: at % 3 === 0 ? 'a' : 'b' },
    outputs: { value: 10 * spread(at) },
    label: 10 * spread(at) + spread(at + 7),
  }))
}

const rows = rowsOf(1500)

describe('the thread that judges', () => {
  test('finds what is found here', async () => {
    const [there, here] = [await thread.take(rows), await workshopHere.take(rows)]
    const asked = [
      ['performance', { roles: {}, samplesMin: 100 }],
      ['slices', { roles: {} }],
      ['concept', { task: undefined, roles: {}, names: ['adwin'], before: [] }],
    ] as const
    for (const [name, input] of asked)
      expect([name, await there.do(name as WorkName, input as never)]).toEqual([
        name,
        await here.do(name as WorkName, input as never),
      ])
    there.close()
  })

  test('leaves the one that asks free to answer others', async () => {
    const bench = await thread.take(rows)
    let turns = 0
    const state = { isFitted: false }
    const work = bench.do('fit', { task: 'regression' }).finally(() => {
      state.isFitted = true
      bench.close()
    })
    while (!state.isFitted) {
      turns++
      await setImmediate()
    }
    expect(await work).toMatchObject({ state: 'fitted' })
    expect(turns).toBeGreaterThan(1000)
  })

  test('tells what went wrong, and goes on', async () => {
    const bench = await thread.take(rows)
    await expect(bench.do('estimate', {} as never)).rejects.toThrow(TypeError)
    expect(await bench.do('slices', { roles: {} })).toMatchObject({ state: 'searched' })
    bench.close()
    await expect(bench.do('slices', { roles: {} })).rejects.toThrow(/let go of/)
  })

  test('begins anew after it was ended', async () => {
    const short = judgingThread({ idleMs: 1 })
    const first = await short.take(rows)
    first.close()
    await new Promise((resolve) => setTimeout(resolve, 50))
    const second = await short.take(rows)
    expect(await second.do('slices', { roles: {} })).toMatchObject({ state: 'searched' })
    const pending = second.do('fit', { task: 'regression' })
    await Promise.all([expect(pending).rejects.toThrow(/was ended/), short.stop()])
    await expect(short.take(rows)).rejects.toThrow(/stopping/)
  })
})
