import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { expect, test } from 'vitest'
import { isRunning, processStarted } from './processes.ts'

test('a process is running until it has ended, though its parent has not asked how', async () => {
  // The parent does not look after its child: that stays behind as a number without a process.
  const parent = spawn('sh', ['-c', 'sleep 60 & echo $!; exec sleep 60'])
  try {
    const [line] = (await once(createInterface({ input: parent.stdout }), 'line')) as [string]
    const child = Number(line)
    const started = processStarted(child)
    expect(isRunning(child, started)).toBe(true)
    expect(isRunning(child, '1')).toBe(false)
    process.kill(child, 'SIGKILL')
    await expect.poll(() => isRunning(child, undefined)).toBe(false)
    expect(processStarted(child)).toBe(started)
  } finally {
    parent.kill('SIGKILL')
  }
})
