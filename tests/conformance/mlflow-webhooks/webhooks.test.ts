import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, expect, test, vi } from 'vitest'
import { freePort, startFamily } from '../../support/process.ts'
import { pythonBin, runPython } from '../../support/python.ts'
import { startTestServer } from '../../support/server.ts'

// A script drives a server with the unmodified client and tells what it saw, and what a receiver of its own was sent.
// What MLflow's own server does with the same script is kept in told/; with ORRERY_TEST_RECORD=1 it is asked anew.

const HERE = import.meta.dirname
const undo: (() => Promise<void>)[] = []

afterEach(async () => {
  for (const step of undo.splice(0).toReversed()) await step()
})

vi.setConfig({ testTimeout: 300_000 })

test("MLflow's client makes, changes and tests webhooks, and receivers are sent the same bytes", async () => {
  const path = join(HERE, 'told', 'webhooks.json')
  if (process.env['ORRERY_TEST_RECORD'] === '1')
    await writeFile(path, `${JSON.stringify(await tell(await mlflowServer()), null, 1)}\n`)
  const server = await startTestServer({ webhookSchemes: 'https,http', webhookAllowPrivate: true })
  undo.push(() => server.stop())
  const theirs = JSON.parse(await readFile(path, 'utf8')) as unknown
  expect(await tell(server.url)).toEqual(theirs)
})

async function tell(url: string): Promise<unknown> {
  return runPython(await readFile(join(HERE, 'scripts', 'webhooks.py'), 'utf8'), {
    MLFLOW_TRACKING_URI: url,
    MLFLOW_HTTP_REQUEST_MAX_RETRIES: '0',
    MLFLOW_DISABLE_TELEMETRY: 'true',
    PYTHONWARNINGS: 'ignore',
  })
}

async function mlflowServer(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'orrery-mlflow-'))
  const port = await freePort()
  const store = ['--backend-store-uri', `sqlite:///${folder}/mlflow.db`]
  const server = startFamily(
    join(pythonBin(), 'mlflow'),
    ['server', '--port', String(port), '--workers', '1', ...store],
    {
      folder,
      environment: {
        PATH: `${pythonBin()}:${process.env['PATH']}`,
        MLFLOW_WEBHOOK_ALLOWED_SCHEMES: 'https,http',
        MLFLOW_WEBHOOK_ALLOW_PRIVATE_IPS: 'true',
        // A list of webhooks that is a minute old misses what was just made.
        MLFLOW_WEBHOOK_CACHE_TTL: '0',
      },
    },
  )
  server.stdout.resume()
  undo.push(async () => {
    await server.end()
    await rm(folder, { recursive: true, force: true })
  })
  const url = `http://127.0.0.1:${port}`
  for (;;) {
    const answer = await fetch(`${url}/health`).catch(() => undefined)
    if (answer?.ok === true) return url
    await sleep(200)
  }
}
