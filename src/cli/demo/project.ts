import { execFile } from 'node:child_process'
import { cp, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { ORRERY, patiently, type Variables } from './server.ts'

const run = promisify(execFile)

/** The example as a user has it in a folder of their own: Git, tracked data, a remote. */
export interface DemoProject {
  readonly folder: string
  /** Runs an `orrery` command there and gives what it printed. */
  orrery(...args: string[]): Promise<string>
  git(...args: string[]): Promise<string>
  /** Adds a month's file to the tracked data, as a new version that the server can fetch. */
  addMonths(months: readonly string[], message: string): Promise<void>
}

/** Copies the example beside the server's home, makes it a repository, and gives it a remote for data. */
export async function makeProject(place: {
  example: string
  home: string
  url: string
  variables: Variables
}): Promise<DemoProject> {
  const folder = join(place.home, '..', 'flights')
  const months = join(place.example, 'months')
  await cp(place.example, folder, { recursive: true, filter: (path) => path !== months })
  await mkdir(join(folder, 'data', 'raw'), { recursive: true })
  const at = async (file: string, args: readonly string[]) => {
    const { stdout } = await run(file, args, {
      cwd: folder,
      maxBuffer: 16 * 1024 * 1024,
      env: {
        ...place.variables,
        ORRERY_URL: place.url,
        ORRERY_HOME: place.home,
      },
    })
    return stdout
  }
  const orrery = (...args: string[]) =>
    patiently(place.url, () => at(process.execPath, [ORRERY, ...args]))
  const git = (...args: string[]) =>
    at('git', ['-c', 'user.name=Orrery demo', '-c', 'user.email=demo@localhost', ...args])

  await git('init', '--quiet', '--initial-branch=main')
  await orrery('init')
  await orrery('remote', 'add', '-d', 'storage', join(place.home, '..', 'storage'))
  return {
    folder,
    orrery,
    git,
    addMonths: async (names, message) => {
      for (const name of names)
        await cp(join(months, `${name}.parquet`), join(folder, 'data', 'raw', `${name}.parquet`))
      await orrery('add', 'data/raw')
      await git('add', '--all')
      await git('commit', '--quiet', '--message', message)
      await orrery('push')
    },
  }
}
