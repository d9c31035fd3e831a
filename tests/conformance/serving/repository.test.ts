import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { runPython } from '../../support/python.ts'
import { rolloutsAt } from '../../support/rollouts.ts'
import { startTestServer } from '../../support/server.ts'

const SCRIPT = join(import.meta.dirname, 'scripts', 'repository.py')

test('Triton’s clients load what is registered, choose its version and let it go', async () => {
  const grpcPort = await freePort()
  const server = await startTestServer({ grpcPort, servingPort: 0 })
  try {
    const person = rolloutsAt(() => server.url)
    await person.createModel()
    await person.register('loop.onnx')
    await person.register('loop.onnx')
    const seen = await runPython(readFileSync(SCRIPT, 'utf8'), {
      ORRERY_URL: server.url,
      ORRERY_GRPC: `127.0.0.1:${grpcPort}`,
    })
    expect(seen).toEqual({
      before: ['UNAVAILABLE', 'StatusCode.NOT_FOUND'],
      newest: ['READY', [3], '2'],
      first: ['READY', '1'],
      unloaded: ['UNAVAILABLE', 'StatusCode.UNAVAILABLE'],
      again: ['READY', '1'],
    })
  } finally {
    await server.stop()
  }
})

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  return typeof address === 'object' && address !== null ? address.port : 0
}
