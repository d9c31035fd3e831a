import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'

const MARK = 'ORRERY_TEST_FAMILY'

/** A process and all that it started, known by a mark in their environment: children inherit it, whatever group they put themselves into. */
export interface Family {
  readonly pid: number
  readonly stdout: Readable
  /** Exit status of the first process, or null when a signal ended it. */
  readonly exited: Promise<number | null>
  /** The last of what the first process wrote to standard error. */
  log(): string
  signal(signal: 'SIGTERM' | 'SIGKILL'): void
  /** Members that are alive, at any depth. */
  living(): Promise<Member[]>
  /** Ends every member at once. */
  end(): Promise<void>
}

interface Member {
  readonly pid: number
  readonly command: string
}

export function startFamily(
  command: string,
  args: readonly string[],
  options: { folder?: string; environment?: Readonly<Record<string, string>> } = {},
): Family {
  const value = randomUUID()
  const child = spawn(command, args, {
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...options.environment, [MARK]: value },
    ...(options.folder === undefined ? {} : { cwd: options.folder }),
  })
  const exited = new Promise<number | null>((resolve, reject) => {
    child.once('exit', resolve)
    child.once('error', reject)
  })
  let log = ''
  child.stderr.on('data', (chunk: Buffer) => (log = (log + chunk.toString()).slice(-20_000)))
  const living = () => marked(`${MARK}=${value}`)
  return {
    pid: child.pid ?? 0,
    stdout: child.stdout,
    exited,
    log: () => log,
    signal: (signal) => void child.kill(signal),
    living,
    end: async () => {
      // One that is being started while we look is found at the next look.
      for (let members = await living(); members.length > 0; members = await living()) {
        for (const { pid } of members) endOne(pid)
        await sleep(20)
      }
      await exited
    },
  }
}

function endOne(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It ended by itself meanwhile.
  }
}

async function marked(mark: string): Promise<Member[]> {
  const found = await Promise.all(
    (await readdir('/proc'))
      .filter((name) => /^\d+$/.test(name))
      .map(async (name) => {
        try {
          const environment = await readFile(`/proc/${name}/environ`, 'utf8')
          if (!environment.split('\0').includes(mark)) return []
          const command = (await readFile(`/proc/${name}/cmdline`, 'utf8')).replaceAll('\0', ' ')
          // A process that has ended and waits for its parent has no command line any more.
          return command === '' ? [] : [{ pid: Number(name), command }]
        } catch {
          // It ended while we looked, or is somebody else's.
          return []
        }
      }),
  )
  return found.flat()
}

const ORRERY = join(import.meta.dirname, '..', '..', 'bin', 'orrery')
const START_MS_MAX = 30_000

export interface ServerProcess {
  readonly url: string
  readonly family: Family
  /** Ends the server alone, as the operating system would: no handler runs, nothing is flushed. */
  kill(): Promise<void>
  /** Asks it to stop and gives its exit status. */
  stop(): Promise<number | null>
}

/** The command line of the real server, as a person starts it; it stays one process. */
export function serverCommand(home: string, port: number): [string, string[]] {
  return [ORRERY, ['up', '--json', '--home', home, '--port', String(port)]]
}

/** The real server in a process of its own; resolves when it serves. */
export async function spawnServer(options: {
  home: string
  port: number
  environment?: Readonly<Record<string, string>>
}): Promise<ServerProcess> {
  const { home, port, environment = {} } = options
  const family = startFamily(...serverCommand(home, port), { environment })
  const { url } = await announcement(family)
  return {
    url,
    family,
    kill: async () => {
      family.signal('SIGKILL')
      await family.exited
    },
    stop: () => {
      family.signal('SIGTERM')
      return family.exited
    },
  }
}

async function announcement(family: Family): Promise<{ url: string }> {
  const said = new Promise<{ url: string }>((resolve, reject) => {
    createInterface({ input: family.stdout }).once('line', (line) =>
      resolve(JSON.parse(line) as { url: string }),
    )
    family.exited.then(
      (status) => reject(new Error(`the server ended with ${status}:\n${family.log()}`)),
      reject,
    )
  })
  const tooLate = new AbortController()
  const late = sleep(START_MS_MAX, undefined, { signal: tooLate.signal }).then(() => {
    family.signal('SIGKILL')
    throw new Error(`the server did not start within ${START_MS_MAX} ms:\n${family.log()}`)
  })
  late.catch(() => undefined)
  return Promise.race([said, late]).finally(() => tooLate.abort())
}

/** A TCP port that is free now. */
export async function freePort(): Promise<number> {
  const probe = createServer()
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve))
  const { port } = probe.address() as AddressInfo
  await new Promise((resolve) => probe.close(resolve))
  return port
}
