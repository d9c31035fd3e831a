import { mkdtemp, rm } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { summaryOf, type ColumnSketch } from '#sketches'
import { startFamily, type Family } from '../support/process.ts'
import { chanceOf } from '../support/random.ts'
import { logIn } from './journal/logged.ts'

// A failure is played again with its seed: ORRERY_KILL_SEED=… npx vitest run tests/simulation/profiles-kill.test.ts
const ROUNDS = Number(process.env['ORRERY_PROFILES_ROUNDS'] ?? 5)
const SEED = Number(process.env['ORRERY_KILL_SEED'] ?? Date.now() % 2 ** 32)
const HOUR_MS = 3_600_000
const all = { fromMs: 0, toMs: 9e15 }

let home: string
let victim: Family | undefined
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'orrery-profiles-kill-'))
})
afterEach(async () => {
  await victim?.end()
  await rm(home, { recursive: true, force: true })
})

test(
  `each prediction is in the profile of its hour once when who profiles is killed ${ROUNDS} times (seed ${SEED})`,
  { timeout: 20_000 + ROUNDS * 10_000 },
  async () => {
    const chance = chanceOf(SEED)
    await (await logIn(home)).close()
    let first = 0
    let kept = -1
    for (let round = 0; round < ROUNDS; round++) {
      const { numbers } = await lifeOf(first, {
        turns: 1 + Math.floor(chance.next() * 4),
        thenMs: chance.next() * 100,
      })
      kept = Math.max(kept, ...numbers)
      first = (Math.floor(Math.max(first, kept) / 100) + 2) * 100
    }
    const log = await logIn(home)
    const { rows } = await log.window('often', all)
    const profiles = await Array.fromAsync(log.profiles('often', all))
    await log.close()

    expect(kept).toBeGreaterThan(100)
    const hours = Map.groupBy(rows, ({ eventMs }) => Math.floor(eventMs / HOUR_MS) * HOUR_MS)
    const expected = [...hours].toSorted(([one], [other]) => one - other)
    expect(profiles.map(({ startMs, rows: count }) => [startMs, count])).toEqual(
      expected.map(([startMs, { length }]) => [startMs, length]),
    )
    const sums = profiles.map(({ inputs }) => sumOf(inputs.get('number') as ColumnSketch))
    expect(sums).toEqual(
      expected.map(([, hour]) =>
        hour.reduce((sum, { inputs }) => sum + Number(inputs['number']), 0),
      ),
    )
  },
)

function sumOf(sketch: ColumnSketch): number {
  const { numbers } = summaryOf(sketch)
  return numbers === null ? 0 : Math.round(numbers.mean * numbers.count)
}

/** Starts one that goes on behind `first`, and ends it some time after so many turns of its work. */
async function lifeOf(
  first: number,
  { turns, thenMs }: { turns: number; thenMs: number },
): Promise<{ numbers: number[] }> {
  const program = join(import.meta.dirname, 'profiles', 'victim.ts')
  const family = startFamily(process.execPath, [program, home, String(first)])
  victim = family
  const numbers: number[] = []
  const ready = Promise.withResolvers<void>()
  const reading = createInterface({ input: family.stdout })
  const ended = new Promise<void>((resolve) => reading.once('close', () => resolve()))
  reading.on('line', (line) => {
    const [word, number] = line.split(' ')
    if (word === 'kept') numbers.push(Number(number))
    if (numbers.length >= turns) ready.resolve()
  })
  await Promise.race([
    ready.promise,
    ended.then(() => Promise.reject(new Error(`it ended: ${family.log()}`))),
  ])
  await sleep(thenMs)
  family.signal('SIGKILL')
  await ended
  return { numbers }
}
