import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort, startFamily } from '../../support/process.ts'
import { pythonBin } from '../../support/python.ts'

/** A new server of MLflow's own, with an empty store. */
export async function mlflowServer(): Promise<{ url: string; stop: () => Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'orrery-mlflow-'))
  const port = await freePort()
  const store = ['--backend-store-uri', `sqlite:///${folder}/mlflow.db`, '--workers', '1']
  const server = startFamily(
    join(pythonBin(), 'mlflow'),
    ['server', '--port', String(port), ...store, '--artifacts-destination', `${folder}/files`],
    { folder, environment: { PATH: `${pythonBin()}:${process.env['PATH']}` } },
  )
  server.stdout.resume()
  const stop = async () => {
    await server.end()
    await rm(folder, { recursive: true, force: true })
  }
  const url = `http://127.0.0.1:${port}`
  for (;;) {
    const answer = await fetch(`${url}/health`).catch(() => undefined)
    if (answer?.ok === true) return { url, stop }
    await sleep(200)
  }
}
