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

// One that answers bursts of requests, whose objects are let go while they are young: V8 has no reason to walk all of its heap.
const BURSTS = `
  import { setTimeout as sleep } from 'node:timers/promises'
  import { giveBackAtRest } from '${import.meta.resolve('./young-memory.ts')}'
  const answering = Array(20_000)
  const burst = async () => {
    for (let turn = 0; turn < 400; turn++, await sleep(0))
      for (let n = 0; n < answering.length; n++) answering[n] = { n, of: [n] }
    answering.fill(undefined)
  }
  const now = () => process.memoryUsage.rss()
  giveBackAtRest(300)
  await sleep(1500)
  const before = now()
  for (let round = 0; round < 3; round++) {
    await burst()
    const grown = now() - before
    for (let look = 0; look < 200 && now() - before > grown / 2; look++) await sleep(100)
    console.log(JSON.stringify([grown, now() - before]))
  }
`

it('gives back what a start and what work has needed, when nothing more is asked', async () => {
  const args = ['--input-type=module', '--eval', PROCESS]
  const { stdout } = await promisify(execFile)(process.execPath, args)
  for (const share of JSON.parse(stdout) as number[]) expect(share).toBeLessThan(0.5)
})

it('gives back after each of many bursts what that has needed', async () => {
  const args = ['--input-type=module', '--eval', BURSTS]
  const { stdout } = await promisify(execFile)(process.execPath, args)
  for (const line of stdout.trim().split('\n')) {
    const [grown, left] = JSON.parse(line) as [number, number]
    expect(grown).toBeGreaterThan(50e6)
    expect(left).toBeLessThan(grown / 2)
  }
}, 90_000)
