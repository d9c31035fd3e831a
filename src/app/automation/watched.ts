import { existsSync } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { isAbsolute, join } from 'node:path'
import type { Outside } from '#automation'
import { Problem } from '#base/problem'
import { addressOf as originOf, type Project } from '#projects'
import { newestIn } from '#protocols/delta/index'
import { datasetsIn } from '#protocols/dvc/datasets'
import type { LocalClones } from '../data/clones.ts'
import { git } from '../data/git.ts'

/** Branches in the server's mirrors, and Delta tables in folders that the server reaches. */
export function watchedOutside(clones: LocalClones): Outside {
  return {
    heads: async ({ origin }, branches) => {
      const refs = await git(clones.mirrorOf(origin), [
        'for-each-ref',
        '--format=%(objectname) %(refname:lstrip=3)',
        'refs/remotes/origin/',
      ])
      const heads = new Map(
        refs
          .split('\n')
          .filter(Boolean)
          .map((line): [string, string] => [
            line.slice(line.indexOf(' ') + 1),
            line.split(' ', 1)[0] ?? '',
          ]),
      )
      return new Map(
        branches.flatMap((branch): [string, string][] => {
          const commit = heads.get(branch)
          return commit === undefined ? [] : [[branch, commit]]
        }),
      )
    },
    commitOf: async ({ origin }, rev) => (await clones.at(origin, rev)).commit,
    newestTable: async (project, table) => {
      const address = folderOf(project, await addressOf(clones, project, table))
      const log = join(address, '_delta_log')
      if (!existsSync(log))
        throw new Problem(
          'not-found',
          `the table ${table} of ${project.name} should be in ${address}, where there is no _delta_log`,
        )
      const names = await readdir(log)
      const files = await Promise.all(
        names.map(async (name) => {
          const { size, mtimeMs } = await stat(join(log, name))
          return { name, sizeBytes: size, modifiedMs: mtimeMs }
        }),
      )
      return { version: newestIn(address, files), address }
    },
  }
}

/** Where a table lies, as `orrery.yaml` or the `datasets` of `dvc.yaml` say it. */
async function addressOf(clones: LocalClones, project: Project, table: string): Promise<string> {
  const watched = project.config.tables?.[table]
  if (watched !== undefined) return watched.delta
  const text = await pipelineText(clones, project)
  const declared = datasetsIn(text).find((each) => each.get('name') === table)
  const url = declared?.get('url')
  if (typeof url === 'string') return url
  throw new Problem(
    'not-found',
    `the project ${project.name} names no table ${table}; write tables: { ${table}: { delta: FOLDER } } into its orrery.yaml, or declare it with "orrery dataset add"`,
  )
}

async function pipelineText(clones: LocalClones, { origin, commit }: Project): Promise<string> {
  const mirror = clones.mirrorOf(origin)
  const listed = await git(mirror, ['ls-tree', '--name-only', commit, 'dvc.yaml'])
  return listed.trim() === '' ? '' : git(mirror, ['show', `${commit}:dvc.yaml`])
}

/** The folder on this machine; a relative one is in the origin's own folder. */
function folderOf({ name, origin }: Project, address: string): string {
  const path = address.replace(/^file:\/\//, '')
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(path))
    throw new Problem('unsupported', `${address} of ${name} cannot be watched; only folders can`)
  if (isAbsolute(path)) return path
  if (isAbsolute(origin)) return join(origin, path)
  throw new Problem(
    'invalid',
    `${address} of ${name} is relative, and its origin ${originOf({ origin })} is no folder of this machine; name the whole path`,
  )
}
