import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { startDemoServer } from './server.ts'

test('a server that ends before it answers is not started again and again', async () => {
  const home = await mkdtemp(join(tmpdir(), 'orrery-'))
  onTestFinished(() => rm(home, { recursive: true }))
  const variables = { ...process.env, ORRERY_SERVING_PORT: 'none' }
  const said: string[] = []
  const say = (line: string) => void said.push(line)
  await expect(startDemoServer({ home, variables, say })).rejects.toThrow(
    /does not answer; its server\.log says why/,
  )
  expect(said).toEqual([])
  expect(await readFile(join(home, 'server.log'), 'utf8')).toContain('servingPort')
})
