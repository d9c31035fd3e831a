import { execFile } from 'node:child_process'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** Rules of ignore files, those of a deeper folder after those above it. */
export interface GitRules {
  with(folder: string, text: string): GitRules
  judge(path: string, kind: 'file' | 'folder'): { readonly ignored: boolean }
}

/** A larger index is not listed for the sake of one path. */
const LISTED_INDEX_BYTES_MAX = 8 << 20

/**
 * Whether Git tracks a path of the repository `top`, without a process for each question: the list of all tracked
 * paths holds as long as the index looks the same. Undefined where Git itself has to be asked.
 */
export function trackedPaths(top: string): (path: string) => Promise<boolean | undefined> {
  let known: { readonly look: string; readonly paths: ReadonlySet<string> } | undefined
  return async (path) => {
    const index = join(gitFolderOf(top), 'index')
    const stats = statSync(index, { throwIfNoEntry: false })
    if (stats === undefined) return false
    if (stats.size > LISTED_INDEX_BYTES_MAX) return undefined
    const look = `${stats.ino} ${stats.mtimeMs} ${stats.ctimeMs} ${stats.size}`
    if (known?.look !== look) {
      const { stdout } = await run('git', ['ls-files', '-z'], { cwd: top, maxBuffer: 1 << 28 })
      known = { look, paths: withFolders(stdout.split('\0')) }
    }
    return known.paths.has(path)
  }
}

function withFolders(files: readonly string[]): Set<string> {
  const all = new Set<string>()
  for (const file of files)
    for (let path = file; path !== '.' && path !== '' && !all.has(path); path = dirname(path))
      all.add(path)
  return all
}

/** Where a repository keeps its own files; in a work tree of another one that is told by a file. */
function gitFolderOf(top: string): string {
  const git = join(top, '.git')
  if (statSync(git, { throwIfNoEntry: false })?.isFile() !== true) return git
  return resolve(top, /^gitdir: (.*)$/m.exec(readFileSync(git, 'utf8'))?.[1] ?? git)
}

interface IgnoreFile {
  readonly look: string
  /** Names of which a line `/name` says only that they are ignored; there are as many as outputs. */
  readonly names: ReadonlySet<string>
  readonly rest: string
}

/** Whether rules of a repository leave a path out, as they are now. */
export function ignoredPaths(
  top: string,
  none: () => GitRules,
): (path: string, kind: 'file' | 'folder') => Promise<boolean> {
  const files = new Map<string, IgnoreFile>()
  let general: Promise<GitRules> | undefined
  return async (path, kind) => {
    general ??= generalRules(top, none())
    let rules = await general
    const parts = path.split('/')
    for (const depth of parts.keys()) {
      const folder = parts.slice(0, depth).join('/')
      const file = ignoreFileAt(files, join(top, folder, '.gitignore'))
      if (file === undefined) continue
      const name = parts[depth] ?? ''
      rules = rules.with(folder, file.names.has(name) ? `/${name}\n${file.rest}` : file.rest)
    }
    return rules.judge(path, kind).ignored
  }
}

/** Rules of the person and of this copy of the repository. */
async function generalRules(top: string, none: GitRules): Promise<GitRules> {
  const own = await run('git', ['config', '--type=path', '--get', 'core.excludesFile'], {
    cwd: top,
  }).then(
    ({ stdout }) => stdout.trim(),
    () => join(homedir(), '.config', 'git', 'ignore'),
  )
  return [own, join(gitFolderOf(top), 'info', 'exclude')]
    .filter((file) => existsSync(file))
    .reduce((rules, file) => rules.with('', readFileSync(file, 'utf8')), none)
}

function ignoreFileAt(known: Map<string, IgnoreFile>, file: string): IgnoreFile | undefined {
  const stats = statSync(file, { throwIfNoEntry: false })
  if (stats?.isFile() !== true) return undefined
  const look = `${stats.ino} ${stats.mtimeMs} ${stats.size}`
  const before = known.get(file)
  if (before?.look === look) return before
  const lines = readFileSync(file, 'utf8').split(/\r?\n/)
  // Where some line takes names in again, the order of all lines counts.
  const isPlain = !lines.some((line) => line.startsWith('!'))
  const names = isPlain ? lines.filter(isNameOnly) : []
  const rest = isPlain ? lines.filter((line) => !isNameOnly(line)) : lines
  const read = { look, names: new Set(names.map((line) => line.slice(1))), rest: rest.join('\n') }
  known.set(file, read)
  return read
}

function isNameOnly(line: string): boolean {
  return /^\/[\w.-]+$/.test(line)
}
