import type { RunRecorder } from '#stages'

/** Where runs are recorded; undefined where nobody asked for it and no server runs here. */
export async function recorderFor(flags: {
  url?: string | undefined
  record?: boolean | undefined
}): Promise<RunRecorder | undefined> {
  if (flags.record === false) return undefined
  const { environment } = await import('#app/settings/environment')
  const named = flags.url ?? environment['ORRERY_URL'] ?? environment['MLFLOW_TRACKING_URI']
  const isServer = named === undefined ? await runsHere(environment) : /^https?:\/\//.test(named)
  if (!isServer && flags.record !== true) return undefined
  const { httpRecorder } = await import('#app/pipelines/recorder')
  const { serverUrl } = await import('./client.ts')
  return httpRecorder(await serverUrl(flags))
}

/** Whether a server that was started in this folder is running. */
async function runsHere(
  environment: Readonly<Record<string, string | undefined>>,
): Promise<boolean> {
  const { existsSync } = await import('node:fs')
  const { join } = await import('node:path')
  const home = environment['ORRERY_HOME'] ?? '.orrery'
  if (!existsSync(join(home, 'server.json'))) return false
  const { runningServer } = await import('#app/home/home')
  const server = await runningServer(home)
  try {
    return server !== undefined && process.kill(server.pid, 0)
  } catch {
    // It died without taking its announcement back.
    return false
  }
}

/** Ends what runs, with all that it started, when the person interrupts. */
export async function untilSignal<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const abort = new AbortController()
  const stop = () => abort.abort()
  process.on('SIGINT', stop)
  process.on('SIGTERM', stop)
  try {
    return await work(abort.signal)
  } finally {
    process.off('SIGINT', stop)
    process.off('SIGTERM', stop)
  }
}
