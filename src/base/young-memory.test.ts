import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'

// A process that has started, does nothing, works, and does nothing again, as a server that is seldom asked.
const PROCESS = `
  import { setTimeout as sleep } from 'node:timers/promises'
  import { giveBackAtRest } from '${import.meta.resolve('./young-memory.ts')}'
  const work = () => {
    const needed = Array.from({ length: 300 }, () => Array.from({ length: 1000 }, (_, n) => ({ n })))
    return needed.length && process.memoryUsage().heapTotal
  }
  const shareLeft = async (grown) => {
    const now = () => process.memoryUsage().heapTotal
    for (let look = 0; look < 300 && now() > grown / 2; look++) await sleep(100)
    return now() / grown
  }
  const started = work()
  giveBackAtRest(300)
  const afterStart = await shareLeft(started)
  let worked
  for (const endMs = performance.now() + 1000; performance.now() < endMs; await sleep(1)) worked = work()
  console.log(JSON.stringify([afterStart, await shareLeft(worked)]))
`

it('gives back what a start and what work has needed, when nothing more is asked', async () => {
  const args = ['--input-type=module', '--eval', PROCESS]
  const { stdout } = await promisify(execFile)(process.execPath, args)
  for (const share of JSON.parse(stdout) as number[]) expect(share).toBeLessThan(0.5)
})
