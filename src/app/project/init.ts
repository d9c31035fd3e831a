import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Problem } from '#base/problem'
import { gitRootOf } from '#stores/dvc/git'

export interface InitOptions {
  /** Do without Git. */
  readonly noScm: boolean
  /** Git's top folder may be above this one. */
  readonly subdir?: boolean
  /** Replace a `.dvc` that is there, with the cache in it. */
  readonly force?: boolean
}

const run = promisify(execFile)

/** Makes a folder a project, with the files that `dvc init` makes. Gives the files that Git should keep. */
export async function initProject(root: string, options: InitOptions): Promise<string[]> {
  const { noScm, subdir = false, force = false } = options
  if (noScm && subdir)
    throw new Problem(
      'invalid',
      '--subdir is about the folder’s place in Git; leave it or --no-scm out',
    )
  const folder = join(root, '.dvc')
  const top = noScm ? undefined : gitTopFor(root, subdir)
  if (top !== undefined && (await isGitIgnored(root)))
    throw new Problem(
      'conflict',
      `${folder} is ignored by Git, which has to keep it; add !.dvc to .gitignore`,
    )
  if (existsSync(folder)) {
    if (!force)
      throw new Problem(
        'exists',
        `${root} is a project already: it has a folder .dvc; --force replaces it, and loses the cache in it`,
      )
    rmSync(folder, { recursive: true, force: true })
  }
  mkdirSync(join(folder, 'tmp'), { recursive: true })
  writeFileSync(join(folder, 'config'), noScm ? '[core]\n    no_scm = True\n' : '')
  if (!existsSync(join(root, '.dvcignore'))) writeFileSync(join(root, '.dvcignore'), DVCIGNORE)
  if (top === undefined) return []
  writeFileSync(join(folder, '.gitignore'), '/config.local\n/tmp\n/cache\n')
  const files = ['.dvc/.gitignore', '.dvc/config', '.dvcignore']
  await run('git', ['add', '--', ...files], { cwd: root })
  return files
}

function gitTopFor(root: string, subdir: boolean): string {
  const top = gitRootOf(root)
  if (top === undefined)
    throw new Problem(
      'conflict',
      `${root} is not in a Git repository; run \`git init\` first, or \`orrery init --no-scm\` to do without`,
    )
  if (!existsSync(join(root, '.git')) && !subdir)
    throw new Problem(
      'conflict',
      `${root} is inside the Git repository ${top}, not its top; run it there, or use --subdir to have a project of its own here`,
    )
  return top
}

async function isGitIgnored(root: string): Promise<boolean> {
  return run('git', ['check-ignore', '-q', '--', '.dvc'], { cwd: root }).then(
    () => true,
    () => false,
  )
}

const DVCIGNORE = [
  '# Add patterns of files dvc should ignore, which could improve',
  '# the performance. Learn more at',
  '# https://dvc.org/doc/user-guide/dvcignore',
  '',
].join('\n')
