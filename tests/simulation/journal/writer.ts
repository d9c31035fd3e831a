import { writeSync } from 'node:fs'
import { batchOf, journalIn } from './logged.ts'

// Appends batches for ever, a few in each turn of the event loop, and says which of them were answered for: a line
// each, after the answer. HOME FIRST [FILE_BYTES_MAX [ROWS]]

const [home = '', first = '0', fileBytesMax = '50000', rows] = process.argv.slice(2)
const journal = journalIn(home, { fileBytesMax: Number(fileBytesMax) })
const say = (line: string) => writeSync(1, `${line}\n`)

let next = Number(first)
async function append(): Promise<void> {
  const number = next++
  try {
    const batch = rows === undefined ? batchOf(number) : batchOf(number, Number(rows))
    await journal.append(batch, { durable: number % 7 === 0 })
    say(`kept ${number}`)
  } catch (error) {
    say(`refused ${number} ${(error as { code?: string }).code ?? String(error)}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

say('ready 0')
for (;;) {
  await Promise.all(Array.from({ length: 1 + (next % 8) }, append))
  await new Promise((resolve) => setImmediate(resolve))
}
