import { writeSync } from 'node:fs'
import type { NewBatch } from '#inference'
import { journalIn, logIn } from '../journal/logged.ts'

// Answers, profiles and seals for ever: batches that share rows of the log and batches that have their own, some of them
// an age late. HOME FIRST

const HOURS = 5
const HOUR_MS = 3_600_000

const [home = '', first = '0'] = process.argv.slice(2)
const log = await logIn(home)
const journal = journalIn(home)
writeSync(1, 'ready 0\n')
for (let next = Number(first); ; next += 50) {
  await Promise.all(Array.from({ length: 50 }, (_, at) => journal.append(batchOf(next + at))))
  for await (const { rows } of log.profiles('often', { fromMs: 0, toMs: 9e15 })) void rows
  if (next % 200 === 0) {
    const segment = await log.sealing.begin('often', 'predictions')
    if (segment !== undefined) await log.sealing.finish(await log.sealing.write(segment))
    while (await log.sealing.sweep('often'));
  }
  writeSync(1, `kept ${next + 49}\n`)
}

function batchOf(number: number): NewBatch {
  const isNamed = number % 3 === 0
  return {
    id: `01JD8Z0${String(number).padStart(19, '0')}`,
    endpoint: 'often',
    digest: isNamed ? `digest-${number}` : null,
    atMs: 1_000_000 + number,
    latencyMs: 0.5,
    columns: ['number'],
    rows: [{ eventMs: (number % HOURS) * HOUR_MS + number, key: null, inputs: [number] }],
    answers: [
      {
        revision: {
          number: 1,
          role: 'live',
          modelVersion: 'late/1',
          outputs: [{ name: 'score', type: 'float64' }],
        },
        outputs: [[number / 8]],
      },
    ],
  }
}
