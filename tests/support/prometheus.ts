import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort, startFamily } from './process.ts'

/** A server of Prometheus' family that runs until it is stopped. */
export interface Watcher {
  readonly url: string
  get<T>(path: string): Promise<T>
  stop(): Promise<void>
}

const READY_MS_MAX = 30_000

/** The real Alertmanager, which tells nobody. */
export async function startAlertmanager(): Promise<Watcher> {
  const folder = await mkdtemp(join(tmpdir(), 'orrery-alertmanager-'))
  const config = join(folder, 'alertmanager.yml')
  await writeFile(config, 'route: { receiver: nobody }\nreceivers: [{ name: nobody }]\n')
  const port = await freePort()
  return started(folder, port, 'prometheus-alertmanager', [
    `--config.file=${config}`,
    `--storage.path=${folder}`,
    `--web.listen-address=127.0.0.1:${port}`,
    '--cluster.listen-address=',
  ])
}

/** The real Prometheus with this configuration. */
export async function startPrometheus(yaml: string): Promise<Watcher> {
  const folder = await mkdtemp(join(tmpdir(), 'orrery-prometheus-'))
  const config = join(folder, 'prometheus.yml')
  await writeFile(config, yaml)
  const port = await freePort()
  return started(folder, port, 'prometheus', [
    `--config.file=${config}`,
    `--storage.tsdb.path=${join(folder, 'data')}`,
    `--web.listen-address=127.0.0.1:${port}`,
  ])
}

async function started(
  folder: string,
  port: number,
  command: string,
  args: readonly string[],
): Promise<Watcher> {
  const family = startFamily(command, args)
  const url = `http://127.0.0.1:${port}`
  const stop = async () => {
    await family.end()
    await rm(folder, { recursive: true, force: true })
  }
  for (const deadline = performance.now() + READY_MS_MAX; ; await sleep(50)) {
    const answer = await fetch(`${url}/-/ready`).catch(() => undefined)
    if (answer?.ok === true) break
    if (performance.now() < deadline) continue
    await stop()
    throw new Error(`${command} did not start:\n${family.log()}`)
  }
  return {
    url,
    get: async <T>(path: string) => (await (await fetch(`${url}${path}`)).json()) as T,
    stop,
  }
}
