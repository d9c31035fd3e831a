import { spawn, type ChildProcess } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { runningServer } from '#app/home/home'
import { messageOf, Problem } from '#base/problem'

export interface DemoServer {
  readonly url: string
  /** Ends our care for it; the process goes on by itself. */
  leave(): void
  stop(): Promise<void>
}

export type Variables = Readonly<Record<string, string | undefined>>

/** A machine that is busy with other work takes its time for a start. */
const START_MS_MAX = 60_000
const LOOK_MS = 50
const RESTARTS_MAX = 20

/** The program that this very process runs, so that the demo uses what a user would type. */
export const ORRERY = join(import.meta.dirname, '..', '..', '..', 'bin', 'orrery')

/** Starts the real server process, and starts it again should it be killed; its log goes to `<home>/server.log`. */
export async function startDemoServer({
  home,
  variables,
  say,
}: {
  home: string
  variables: Variables
  say: (line: string) => void
}): Promise<DemoServer> {
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  let child: ChildProcess
  let wanted = false

  const start = () => {
    // The file itself, not a pipe through this process: the server outlives it.
    const log = openSync(join(home, 'server.log'), 'a')
    child = spawn(process.execPath, [ORRERY, 'up', '--port', String(port), '--home', home], {
      stdio: ['ignore', 'ignore', log],
      detached: true,
      env: variables,
    })
    closeSync(log)
    child.once('exit', () => {
      if (!wanted) return
      say('The server was killed; starting it again.')
      start()
    })
  }
  const stop = async () => {
    wanted = false
    if (hasEnded(child)) return
    const gone = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGTERM')
    await gone
  }
  start()
  try {
    await answering(url, () => hasEnded(child))
  } catch (error) {
    await stop()
    throw error
  }
  // One that cannot start at all would be started for ever.
  wanted = true
  return {
    url,
    leave: () => {
      wanted = false
      child.unref()
    },
    stop,
  }
}

function hasEnded({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null
}

/** Ends the server that an earlier demo left running in `home`. */
export async function endEarlierServer(home: string): Promise<void> {
  const earlier = await runningServer(home)
  if (earlier === undefined) return
  const health = await fetch(`${earlier.url}/health`).catch(() => undefined)
  // A process number may have been given to somebody else since: only a server that answers is ours.
  if (health?.ok !== true) return
  process.kill(earlier.pid, 'SIGTERM')
  for (let waited = 0; waited < START_MS_MAX; waited += LOOK_MS) {
    if ((await runningServer(home)) === undefined) return
    await sleep(LOOK_MS)
  }
}

/** Waits until a server answers, unless it has ended. */
async function answering(url: string, hasEndedMeanwhile = () => false): Promise<void> {
  for (let waited = 0; waited < START_MS_MAX && !hasEndedMeanwhile(); waited += LOOK_MS) {
    const health = await fetch(`${url}/health`).catch(() => undefined)
    if (health?.ok === true) return
    await sleep(LOOK_MS)
  }
  throw new Problem('unavailable', `the server at ${url} does not answer; its server.log says why`)
}

/** Does `work` again for as long as the server is being restarted; all that the demo asks for may be asked twice. */
export async function patiently<T>(url: string, work: () => Promise<T>): Promise<T> {
  for (let tries = 0; ; tries++) {
    try {
      return await work()
    } catch (error) {
      if (tries >= RESTARTS_MAX || !messageOf(error).includes('no server answers')) throw error
      await answering(url)
    }
  }
}

async function freePort(): Promise<number> {
  const probe = createServer()
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve))
  const address = probe.address()
  await new Promise((resolve) => probe.close(resolve))
  if (typeof address === 'object' && address !== null) return address.port
  throw new Error('a listening socket has a port')
}
