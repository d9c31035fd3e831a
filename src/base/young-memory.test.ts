import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'

// A process that has started and then does nothing, as a server that nobody asks.
const PROCESS = `
  import { setTimeout as sleep } from 'node:timers/promises'
  import { giveBackAfterStart } from '${import.meta.resolve('./young-memory.ts')}'
  const needed = Array.from({ length: 300 }, () => Array.from({ length: 1000 }, (_, n) => ({ n })))
  const before = process.memoryUsage().heapTotal
  needed.length = 0
  giveBackAfterStart(100)
  const now = () => process.memoryUsage().heapTotal
  for (let look = 0; look < 300 && now() > before / 2; look++) await sleep(100)
  console.log(now() / before)
`

it('gives back what a start has needed, when nothing more is asked', async () => {
  const args = ['--input-type=module', '--eval', PROCESS]
  const { stdout } = await promisify(execFile)(process.execPath, args)
  expect(Number(stdout)).toBeLessThan(0.5)
})
