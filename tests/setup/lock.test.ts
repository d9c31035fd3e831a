import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

// What sets the project up on a fresh machine.

const LOCK = join(import.meta.dirname, '../../scripts/steps/lock.mjs')

const STEPS = `
  import { setTimeout as sleep } from 'node:timers/promises'
  const { withLock } = await import(process.argv[1])
  const step = (name, ms) => withLock('test-' + process.pid, async () => {
    console.log(name + ' begins')
    await sleep(ms)
    if (name === 'second') throw new Error('this one fails')
    console.log(name + ' ends')
  })
  const ended = await Promise.allSettled([step('first', 20), step('second', 10), step('third', 0)])
  console.log(ended.map(({ status }) => status).join(' '))
`

test('steps of one setup that need the same lock take turns, and a failure is nobody else’s', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [
    '--input-type=module',
    '--eval',
    STEPS,
    LOCK,
  ])
  expect(stdout.trimEnd().split('\n')).toEqual([
    'first begins',
    'first ends',
    'second begins',
    'third begins',
    'third ends',
    'fulfilled rejected fulfilled',
  ])
})
