import { execFile } from 'node:child_process'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { chanceOf } from '../support/random.ts'
import { startFamily, type Family } from '../support/process.ts'
import { batchOf, journalIn, logIn } from './journal/logged.ts'

// A failure is played again with its seed: ORRERY_KILL_SEED=… npx vitest run tests/simulation/journal.test.ts
const ROUNDS = Number(process.env['ORRERY_JOURNAL_ROUNDS'] ?? 10)
const SEED = Number(process.env['ORRERY_KILL_SEED'] ?? Date.now() % 2 ** 32)
const run = promisify(execFile)
const all = { fromMs: 0, toMs: 9e15 }

let home: string
const started: Family[] = []
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'orrery-journal-'))
})
afterEach(async () => {
  for (const family of started.splice(0)) await family.end()
  await rm(home, { recursive: true, force: true })
})

test(
  `each answered prediction is in the log once when writer and taker are killed ${ROUNDS} times (seed ${SEED})`,
  { timeout: 20_000 + ROUNDS * 10_000 },
  async () => {
    const chance = chanceOf(SEED)
    const kept = new Set<number>()
    let first = 0
    await (await logIn(home)).close()
    for (let round = 0; round < ROUNDS; round++) {
      const taker = start('taker', [home])
      const writer = start('writer', [home, String(first)])
      await Promise.all([taker.ready, writer.ready])
      await sleep(chance.next() * 200)
      const [one, other] = chance.next() < 0.5 ? [writer, taker] : [taker, writer]
      one.family.signal('SIGKILL')
      await sleep(chance.next() * 50)
      other.family.signal('SIGKILL')
      await Promise.all([one.ended, other.ended])
      for (const number of writer.numbers('kept')) kept.add(number)
      expect(writer.numbers('refused')).toEqual([])
      // One whose answer was under way is left alone: nobody knows of it.
      first = Math.max(first, ...kept) + 20
    }
    expect(kept.size).toBeGreaterThan(ROUNDS)

    const journal = journalIn(home)
    for (const number of kept)
      if (number % 2 === 0) {
        const found = await journal.findBatch(`b${number}`)
        expect(found).toMatchObject({ digest: `digest-${number}` })
        expect(found?.outputs).toEqual(batchOf(number).answers[0]?.outputs)
      }
    await journal.close()
    const log = await logIn(home)
    const rows = [...(await log.window('often', all)).rows, ...(await log.window('rare', all)).rows]
    const ids = rows.map(({ id }) => id)
    expect(new Set(ids).size).toBe(ids.length)
    const found = new Map(rows.map((row) => [row.id, row]))
    for (const number of kept)
      for (const [row, { inputs }] of batchOf(number).rows.entries())
        expect(found.get(`b${number}-${row}`)).toMatchObject({
          key: `k${number}-${row}`,
          inputs: { number: inputs[0], text: inputs[1] },
          outputs: { score: number + row / 8 },
        })
    const sums = [
      ...(await log.summaries('often', { per: 'month' })),
      ...(await log.summaries('rare', { per: 'month' })),
    ]
    expect(sums.reduce((sum, { predictions }) => sum + predictions, 0)).toBe(ids.length)
    await log.close()
    // What was taken over is gone; the newest file stays, so that its number is not given again.
    expect((await readdir(join(home, 'journal'))).length).toBeLessThanOrEqual(2)
  },
)

test('where no file may grow further answers are refused, nothing is torn, and it goes on by itself when it may', async () => {
  await (await logIn(home)).close()
  // The limit is met in the midst of a record, again and again: each file ends there.
  const writer = start(
    'writer',
    [home, '0', '100000000', '200'],
    'ulimit -S -f 2048; exec "$0" "$@"',
  )
  await writer.ready
  await expect.poll(() => writer.numbers('refused').length, { timeout: 20_000 }).toBeGreaterThan(5)
  expect(writer.lines.find((line) => line.startsWith('refused'))).toMatch(/full$/)
  const before = writer.numbers('kept').length
  await run('prlimit', ['--pid', String(writer.family.pid), '--fsize=unlimited:'])
  await expect
    .poll(() => writer.numbers('kept').length, { timeout: 20_000 })
    .toBeGreaterThan(before + 5)
  writer.family.signal('SIGKILL')
  await writer.ended

  const log = await logIn(home)
  const rows = [...(await log.window('often', all)).rows, ...(await log.window('rare', all)).rows]
  await log.close()
  const found = new Set(rows.map(({ batch }) => batch))
  for (const number of writer.numbers('kept')) expect(found).toContain(`b${number}`)
  for (const number of writer.numbers('refused')) expect(found).not.toContain(`b${number}`)
})

function start(name: 'writer' | 'taker', args: readonly string[], shell = 'exec "$0" "$@"') {
  const program = join(import.meta.dirname, 'journal', `${name}.ts`)
  const family = startFamily('sh', ['-c', shell, process.execPath, program, ...args])
  started.push(family)
  const lines: string[] = []
  const ready = Promise.withResolvers<void>()
  const reading = createInterface({ input: family.stdout })
  const ended = new Promise<void>((resolve) => reading.once('close', () => resolve()))
  reading.on('line', (line) => {
    lines.push(line)
    if (line === 'ready 0') ready.resolve()
  })
  ended.then(
    () => ready.reject(new Error(`${name} ended: ${family.log()}`)),
    () => undefined,
  )
  ready.promise.catch(() => undefined)
  const numbers = (word: string) =>
    lines.flatMap((line) => (line.startsWith(`${word} `) ? Number(line.split(' ')[1]) : []))
  return { family, ready: ready.promise, ended, lines, numbers }
}
