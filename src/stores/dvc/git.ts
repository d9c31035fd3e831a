import { execFile } from 'node:child_process'
import { existsSync, readFileSync, realpathSync, statSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { promisify } from 'node:util'
import { Problem } from '#base/problem'
import type { VersionControl } from '#data'
import { writeWhole } from './atomic.ts'
import { ignoredPaths, trackedPaths, type GitRules } from './git-answers.ts'

const run = promisify(execFile)

/** Told of a file, by its path in the project, before it is written. */
export type OnWrite = (path: string, text: string) => void

/** The folder with `.git` at or above a folder. */
export function gitRootOf(folder: string): string | undefined {
  for (let here = realpathSync(folder); ; here = dirname(here)) {
    if (existsSync(join(here, '.git'))) return here
    if (dirname(here) === here) return undefined
  }
}

/** Git as the project's version control, by its own program. */
export function openGit(options: {
  root: string
  autostage: boolean
  /** Adds the line for a name to the text of a `.gitignore`. */
  withIgnored: (text: string, name: string) => string
  /** No rules, to which those of ignore files are added. */
  rules: () => GitRules
  onWrite?: OnWrite | undefined
}): VersionControl {
  const { root, onWrite } = options
  const git = (...args: string[]) => succeeds(root, args)
  const top = gitRootOf(root) ?? root
  const inTop = (path: string) => relative(top, join(realpathSync(root), path))
  const tracks = trackedPaths(top)
  const ignores = ignoredPaths(top, options.rules)
  const kindOf = (path: string) =>
    statSync(join(root, path), { throwIfNoEntry: false })?.isDirectory() === true
      ? 'folder'
      : 'file'
  return {
    isTracked: async (path) =>
      (await tracks(inTop(path))) ?? git('ls-files', '--error-unmatch', '--', path),
    isIgnored: (path) => git('check-ignore', '-q', '--', path),
    ignore: async (path) => {
      if (await ignores(inTop(path), kindOf(path))) return undefined
      const file = join(dirname(path), '.gitignore')
      const whole = join(root, file)
      const text = existsSync(whole) ? readFileSync(whole, 'utf8') : ''
      const after = options.withIgnored(text, path.slice(path.lastIndexOf('/') + 1))
      onWrite?.(file, after)
      writeWhole(whole, after)
      return file
    },
    stage: async (files) => {
      if (!options.autostage) return
      const there = files.filter((file) => existsSync(join(root, file)))
      const gone = files.filter((file) => !there.includes(file))
      if (there.length > 0) await run('git', ['add', '--', ...there], { cwd: root })
      if (gone.length > 0)
        await run('git', ['rm', '--cached', '-q', '--ignore-unmatch', '--', ...gone], { cwd: root })
    },
  }
}

/** For a project without Git. */
export const noVersionControl: VersionControl = {
  isTracked: async () => false,
  isIgnored: async () => false,
  ignore: async () => undefined,
  stage: async () => {},
}

export interface GitState {
  readonly commit: string | null
  readonly branch: string | null
  readonly dirty: boolean
}

/** Where the project's history stands; nothing known outside Git or before the first commit. */
export async function gitStateOf(root: string): Promise<GitState> {
  try {
    const { stdout } = await run('git', ['status', '--porcelain=v2', '--branch', '--', '.'], {
      cwd: root,
      maxBuffer: 1 << 28,
    })
    const lines = stdout.split('\n')
    const header = (name: string) =>
      lines.find((line) => line.startsWith(`# branch.${name} `))?.slice(`# branch.${name} `.length)
    const commit = header('oid')
    const branch = header('head')
    return {
      commit: commit === undefined || commit === '(initial)' ? null : commit,
      branch: branch === undefined || branch === '(detached)' ? null : branch,
      dirty: lines.some((line) => line !== '' && !line.startsWith('#')),
    }
  } catch {
    return { commit: null, branch: null, dirty: false }
  }
}

/** Whether a file that Git tracks is other than at the last commit. */
export async function hasChanges(root: string): Promise<boolean> {
  const { stdout } = await run('git', ['status', '--porcelain', '--untracked-files=no'], {
    cwd: root,
    maxBuffer: 1 << 28,
  })
  return stdout !== ''
}

/** When the commit at hand was made, in seconds since 1970; undefined where there is none. */
export async function commitSecondsOf(root: string): Promise<number | undefined> {
  try {
    const { stdout } = await run('git', ['log', '-1', '--format=%ct'], { cwd: root })
    return /^\d+$/.test(stdout.trim()) ? Number(stdout) : undefined
  } catch {
    return undefined
  }
}

async function succeeds(cwd: string, args: readonly string[]): Promise<boolean> {
  try {
    await run('git', args as string[], { cwd })
    return true
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ENOENT')
      throw new Problem(
        'unavailable',
        'git was not found; install it, or set core.no_scm in .dvc/config',
      )
    return false
  }
}
