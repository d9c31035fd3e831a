import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import { promisify } from 'node:util'
import { Problem } from '#base/problem'
import { readConfig, withOption } from '#protocols/dvc/config'
import { writeWhole } from '#stores/dvc/atomic'
import { gitRootOf } from '#stores/dvc/git'

/** Makes a folder a project, with the files that `dvc init` makes. Gives the files that Git should keep. */
export async function initProject(root: string, options: { noScm: boolean }): Promise<string[]> {
  const folder = join(root, '.dvc')
  if (existsSync(folder))
    throw new Problem('exists', `${root} is a project already: it has a folder .dvc`)
  const top = options.noScm ? undefined : gitRootOf(root)
  if (top === undefined && !options.noScm)
    throw new Problem(
      'conflict',
      `${root} is not in a Git repository; run \`git init\` first, or \`orrery init --no-scm\` to do without`,
    )
  mkdirSync(join(folder, 'tmp'), { recursive: true })
  writeFileSync(join(folder, 'config'), options.noScm ? '[core]\n    no_scm = True\n' : '')
  if (!existsSync(join(root, '.dvcignore'))) writeFileSync(join(root, '.dvcignore'), DVCIGNORE)
  if (top === undefined) return []
  writeFileSync(join(folder, '.gitignore'), '/config.local\n/tmp\n/cache\n')
  const files = ['.dvc/.gitignore', '.dvc/config', '.dvcignore']
  await promisify(execFile)('git', ['add', '--', ...files], { cwd: root })
  return files
}

/** Names a folder as a remote in `.dvc/config`. */
export function addRemote(
  root: string,
  remote: { name: string; folder: string; isDefault: boolean; force: boolean },
): void {
  if (!/^[\w.-]+$/.test(remote.name))
    throw new Problem(
      'invalid',
      `${remote.name} is no name for a remote; use letters, digits, . _ and -`,
    )
  const file = join(root, '.dvc', 'config')
  const before = existsSync(file) ? readFileSync(file, 'utf8') : ''
  const section = `remote "${remote.name}"`
  if (readConfig(before).value.has(section) && !remote.force)
    throw new Problem(
      'exists',
      `there is a remote ${remote.name} already; use --force to change it`,
    )
  const isUrl = /^[a-z][a-z0-9+.-]*:\/\//i.test(remote.folder)
  // Paths in a settings file count from its own folder.
  const url =
    isUrl || remote.folder.startsWith('/')
      ? remote.folder
      : relative(join(root, '.dvc'), resolve(remote.folder))
  const withUrl = withOption(before, { section, name: 'url', value: url })
  writeWhole(file, remote.isDefault ? withDefault(withUrl, remote.name) : withUrl)
}

/** DVC writes the section core before all others. */
function withDefault(text: string, name: string): string {
  const hasCore = readConfig(text).value.has('core')
  return withOption(hasCore ? text : `[core]\n${text}`, {
    section: 'core',
    name: 'remote',
    value: name,
  })
}

const DVCIGNORE = [
  '# Add patterns of files dvc should ignore, which could improve',
  '# the performance. Learn more at',
  '# https://dvc.org/doc/user-guide/dvcignore',
  '',
].join('\n')
