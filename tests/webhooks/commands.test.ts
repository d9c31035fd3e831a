import { tmpdir } from 'node:os'
import { afterEach, expect, test } from 'vitest'
import { runCommand } from '../support/command.ts'
import { startTestServer } from '../support/server.ts'
import { startReceiver } from './receiver.ts'

const undo: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const step of undo.splice(0).toReversed()) await step()
})

test('webhooks are added, tested, looked after and removed from the command line', async () => {
  const server = await startTestServer({ webhookSchemes: 'https,http', webhookAllowPrivate: true })
  const receiver = await startReceiver()
  undo.push(() => server.stop(), receiver.stop)
  const run = async (...args: string[]) => {
    const { code, out, err } = await runCommand(tmpdir(), [
      'webhooks',
      ...args,
      '--url',
      server.url,
    ])
    return { code, said: out + err }
  }
  const json = async <T>(...args: string[]) => JSON.parse((await run(...args, '--json')).said) as T

  expect(await run('list')).toMatchObject({ code: 0, said: expect.stringContaining('No webhook') })
  const added = await run('add', 'ci', receiver.url, '--events', 'registered-model-*')
  expect(added).toMatchObject({ code: 0, said: expect.stringMatching(/Secret.*: whsec_\S{44}/) })
  expect(await run('test', 'ci')).toMatchObject({
    code: 0,
    said: expect.stringContaining('ping  delivered 200, 1 attempt'),
  })
  const { deliveries } = await json<{ deliveries: { id: string }[] }>('deliveries', 'ci')
  expect(deliveries).toHaveLength(1)
  expect(await run('redeliver', 'ci', deliveries[0]?.id ?? '')).toMatchObject({
    code: 2,
    said: expect.stringContaining('was a test'),
  })
  expect(await json('rotate', 'ci', '--overlap', '1')).toMatchObject({ name: 'ci' })
  expect(await json('disable', 'ci')).toMatchObject({ enabled: false })
  expect((await run('show', 'ci')).said).toContain('disabled')
  expect((await run('remove', 'ci')).said).toContain('--yes does it')
  expect(await json<{ webhooks: unknown[] }>('list')).toMatchObject({ webhooks: [{ name: 'ci' }] })
  expect((await run('remove', 'ci', '--yes')).said).toContain('Removed ci')
  expect(await run('show', 'ci')).toMatchObject({
    code: 2,
    said: expect.stringContaining('orrery webhooks list'),
  })
  expect(await run('add', 'ci')).toMatchObject({
    code: 2,
    said: expect.stringContaining('NAME URL'),
  })
})
