import BetterSqlite from 'better-sqlite3'
import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { messageOf, Problem } from '#base/problem'

/** Where a running server can be reached; kept in its home so that commands find it. */
export interface RunningServer {
  readonly pid: number
  readonly url: string
}

/**
 * Takes the home for this process alone. The lock is an open transaction on a file: the operating system
 * drops it however the process ends. Throws a `conflict` problem when another server has it.
 */
export async function takeHome(home: string): Promise<{
  /** Names the home for as long as it exists, wherever it lies. */
  readonly id: string
  announce(server: RunningServer): Promise<void>
  release(): Promise<void>
}> {
  const lock = await lockFile(home)
  try {
    lock.pragma('busy_timeout = 500')
    lock.exec('begin exclusive')
  } catch (cause) {
    lock.close()
    const other = await runningServer(home)
    const where = other === undefined ? '' : ` (process ${other.pid}, ${other.url})`
    throw new Problem(
      'conflict',
      `another server uses ${home}${where}; stop it or choose another --home`,
      { cause: String(cause) },
    )
  }
  const announcement = join(home, 'server.json')
  return {
    id: await homeId(home),
    announce: (server) => writeFile(announcement, `${JSON.stringify(server)}\n`),
    release: async () => {
      await rm(announcement, { force: true })
      lock.close()
    },
  }
}

/** Asked by the holder of the lock alone. */
async function homeId(home: string): Promise<string> {
  const path = join(home, 'id')
  const kept = await readFile(path, 'utf8').catch(() => '')
  if (kept.trim() !== '') return kept.trim()
  const id = randomUUID()
  await writeFile(path, `${id}\n`)
  return id
}

async function lockFile(home: string): Promise<BetterSqlite.Database> {
  try {
    await makeFolder(home)
    return new BetterSqlite(join(home, 'lock'))
  } catch (error) {
    throw new Problem(
      'invalid',
      `the home ${home} cannot be written (${messageOf(error)}); choose another --home`,
    )
  }
}

/** Node's own recursive mkdir never ends where a folder refuses to hold another, as /proc does. */
async function makeFolder(path: string): Promise<void> {
  if (existsSync(path)) return
  await makeFolder(dirname(path))
  try {
    await mkdir(path)
  } catch (error) {
    // Somebody else made it meanwhile.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
}

/** The server that announced itself in `home`; it may have died since. */
export async function runningServer(home: string): Promise<RunningServer | undefined> {
  try {
    return JSON.parse(await readFile(join(home, 'server.json'), 'utf8')) as RunningServer
  } catch {
    // Absent or torn: either way nobody can be reached by it.
    return undefined
  }
}
