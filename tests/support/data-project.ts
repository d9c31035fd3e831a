import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'

/** A project in Git that tracks tables, with a remote that is a folder, laid out as DVC does. */
export interface DataProject {
  readonly origin: string
  /** Tracks what a statement selects at a path, as a new version, and commits it; gives its hash. */
  commitTable(
    path: string,
    select: string,
    how: { message: string; pushed?: boolean },
  ): Promise<string>
  remove(): Promise<void>
}

export async function dataProject(config: string): Promise<DataProject> {
  const folder = await mkdtemp(join(tmpdir(), 'orrery-data-'))
  const origin = join(folder, 'origin')
  const store = join(folder, 'store')
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=Ada', '-c', 'user.email=ada@localhost', ...args], {
      cwd: origin,
    })
  await write(
    join(origin, '.dvc', 'config'),
    `[core]\n    remote = store\n['remote "store"']\n    url = ${store}\n`,
  )
  await write(join(origin, 'orrery.yaml'), config)
  git('init', '--quiet', '--initial-branch=main')
  return {
    origin,
    commitTable: async (path, select, { message, pushed = true }) => {
      const file = join(folder, 'table.parquet')
      const instance = await DuckDBInstance.create(':memory:')
      const connection = await instance.connect()
      await connection.run(`copy (${select}) to '${file}' (format parquet)`)
      connection.closeSync()
      const bytes = await readFile(file)
      const md5 = createHash('md5').update(bytes).digest('hex')
      if (pushed) await write(join(store, 'files', 'md5', md5.slice(0, 2), md5.slice(2)), bytes)
      const name = path.split('/').at(-1) ?? path
      await write(
        join(origin, `${path}.dvc`),
        `outs:\n- md5: ${md5}\n  size: ${bytes.length}\n  hash: md5\n  path: ${name}\n`,
      )
      git('add', '.')
      git('commit', '--quiet', '--message', message)
      return md5
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  }
}

async function write(path: string, content: string | Uint8Array): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, content)
}
