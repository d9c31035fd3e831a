import { execFile } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, realpathSync, rmSync } from 'node:fs'
import { dirname, join, relative, resolve, sep } from 'node:path'
import { messageOf, Problem } from '#base/problem'
import { gitRootOf } from './git.ts'

/** A ref that leads to a commit. */
export interface NamedCommit {
  readonly ref: string
  readonly commit: string
  readonly madeAtMs: number
  readonly message: string
}

/** One entry of a reflog; the newest has index 0. */
export interface LoggedCommit {
  readonly index: number
  readonly commit: string
  readonly message: string
  readonly atMs: number
}

/** What an experiment's commit is made of, besides what Git tracks already. */
export interface Additions {
  /** Texts that are not those in the folder, by path from the project's root. */
  readonly texts?: ReadonlyMap<string, string>
  /** Files that are taken as they are, also where Git ignores them. */
  readonly files?: readonly string[]
}

export type ExperimentGit = ReturnType<typeof openExperimentGit>

/**
 * Commits, refs and work trees of experiments. Everything is made with an index of its own, so that neither the
 * files nor what somebody has staged is touched; a ref moves only when its commit is whole.
 */
export function openExperimentGit(
  root: string,
  { scratch, variables }: { scratch: string; variables: Variables },
) {
  const top = gitRootOf(root)
  if (top === undefined)
    throw new Problem(
      'invalid',
      'experiments are kept in Git, and this project has no repository; run `git init` and commit',
    )
  const git = gitIn(root, variables)
  const prefix = relative(top, realpathSync(root)).split(sep).join('/')
  return {
    top,
    prefix,
    head: async () => {
      const found = await git(['rev-parse', '--verify', '--quiet', 'HEAD^{commit}']).catch(() => '')
      if (found.trim() !== '') return found.trim()
      throw new Problem(
        'invalid',
        'nothing is committed yet; commit the project first (git commit)',
      )
    },
    ...refsOf(git),
    ...reflogOf(git),
    ...commitsOf(git, { root, scratch, prefix, inFolder: (folder) => gitIn(folder, variables) }),
    ...workTreesOf(git),
    git,
  }
}

type Git = ReturnType<typeof gitIn>

type Variables = Readonly<Record<string, string | undefined>>

function gitIn(folder: string, given: Variables) {
  return (
    args: readonly string[],
    how: { input?: string; variables?: Readonly<Record<string, string>> } = {},
  ): Promise<string> =>
    new Promise((done, fail) => {
      const child = execFile(
        'git',
        ['-c', 'gc.auto=0', ...args],
        {
          cwd: folder,
          maxBuffer: 1 << 30,
          // What Git itself sets while a hook runs would lead to another repository or index.
          env: {
            ...withoutGitsOwn(given),
            LC_ALL: 'C.UTF-8',
            GIT_TERMINAL_PROMPT: '0',
            ...how.variables,
          },
        },
        (error, stdout, stderr) => {
          if (error === null) done(stdout)
          else fail(failureOf(args, error, stderr))
        },
      )
      child.stdin?.on('error', () => {})
      child.stdin?.end(how.input ?? '')
    })
}

function withoutGitsOwn(given: Variables): Record<string, string | undefined> {
  return Object.fromEntries(
    Object.entries(given).filter(
      ([name]) => !['GIT_DIR', 'GIT_WORK_TREE', 'GIT_INDEX_FILE', 'GIT_PREFIX'].includes(name),
    ),
  )
}

function failureOf(args: readonly string[], error: Error, stderr: string): Problem {
  if ((error as { code?: unknown }).code === 'ENOENT')
    return new Problem('unavailable', 'git was not found; install it')
  const words = stderr.trim() === '' ? messageOf(error) : stderr.trim()
  return new Problem(
    'invalid',
    `git ${args[0] ?? ''} failed: ${words.split('\n').slice(-3).join(' ')}`,
  )
}

function refsOf(git: Git) {
  return {
    /** Refs below a prefix that lead to commits. */
    list: async (below: string): Promise<NamedCommit[]> => {
      const format = '%(refname)%00%(objectname)%00%(committerdate:unix)%00%(contents:subject)'
      const text = await git(['for-each-ref', `--format=${format}`, below])
      return lines(text).map((line) => {
        const [ref = '', commit = '', seconds = '0', message = ''] = line.split('\0')
        return { ref, commit, madeAtMs: Number(seconds) * 1000, message }
      })
    },
    resolve: async (name: string): Promise<string | undefined> => {
      if (name.startsWith('-')) return undefined
      const found = await git(['rev-parse', '--verify', '--quiet', `${name}^{commit}`]).catch(
        () => '',
      )
      return found.trim() === '' ? undefined : found.trim()
    },
    /** Moves a ref, all at once; `from` says where it must be now, '' that it must not be. */
    move: async (ref: string, commit: string, from?: string): Promise<void> => {
      const old = from === undefined ? [] : [from === '' ? '0'.repeat(commit.length) : from]
      await git(['update-ref', ref, commit, ...old])
    },
    /** Takes refs away, all of them or none. */
    drop: async (refs: readonly string[]): Promise<void> => {
      if (refs.length === 0) return
      await git(['update-ref', '--stdin'], { input: refs.map((ref) => `delete ${ref}\n`).join('') })
    },
    rename: async (from: NamedCommit, to: string): Promise<void> => {
      const input = `create ${to} ${from.commit}\ndelete ${from.ref} ${from.commit}\n`
      await git(['update-ref', '--stdin'], { input })
    },
    /** The commits from one back to another, which is not among them; the newest first. */
    between: async (tip: string, base: string): Promise<string[]> =>
      lines(await git(['rev-list', '--first-parent', `${base}..${tip}`])),
    timeOf: async (commit: string): Promise<number> =>
      Number(await git(['show', '-s', '--format=%ct', commit])) * 1000,
    bodyOf: (commit: string): Promise<string> => git(['show', '-s', '--format=%B', commit]),
    remotes: async (): Promise<string[]> => lines(await git(['remote'])),
  }
}

function reflogOf(git: Git) {
  return {
    /** What was put onto a ref, the newest first. */
    logged: async (ref: string): Promise<LoggedCommit[]> => {
      const text = await git(['reflog', 'show', '--format=%H%x00%gs%x00%ct', ref]).catch(() => '')
      return lines(text).map((line, index) => {
        const [commit = '', message = '', seconds = '0'] = line.split('\0')
        return { index, commit, message, atMs: Number(seconds) * 1000 }
      })
    },
    putOn: async (ref: string, commit: string, message: string): Promise<void> => {
      await git(['update-ref', '--create-reflog', '-m', `commit: ${message}`, ref, commit])
    },
    /** Takes one out of the log of a ref, and the ref away with the last. */
    takeOff: async (ref: string, commit: string): Promise<boolean> => {
      const text = await git(['reflog', 'show', '--format=%H', ref]).catch(() => '')
      const all = lines(text)
      const index = all.indexOf(commit)
      if (index < 0) return false
      if (all.length === 1) await git(['update-ref', '-d', ref])
      else await git(['reflog', 'delete', '--updateref', '--rewrite', `${ref}@{${index}}`])
      return true
    },
  }
}

function commitsOf(
  git: Git,
  at: { root: string; scratch: string; prefix: string; inFolder: (folder: string) => Git },
) {
  const { root, scratch, prefix } = at
  let count = 0
  return {
    /**
     * The tree of what a folder holds: what Git tracks there, as it is now, and the additions. `folder` is the
     * project's root or its place in a work tree.
     */
    snapshot: async (folder: string, additions: Additions = {}): Promise<string> => {
      const inFolder = folder === root ? git : at.inFolder(folder)
      mkdirSync(scratch, { recursive: true })
      count += 1
      const index = join(scratch, `index.${process.pid}.${count}`)
      const variables = { GIT_INDEX_FILE: index }
      try {
        const own = resolve(folder, (await inFolder(['rev-parse', '--git-path', 'index'])).trim())
        // With the times of the real one, Git reads only the files that changed.
        if (existsSync(own)) copyFileSync(own, index)
        await inFolder(['add', '--update', '--', ':/'], { variables })
        const files = (additions.files ?? []).filter((file) => existsSync(join(folder, file)))
        if (files.length > 0)
          await inFolder(['add', '--force', '--pathspec-from-file=-', '--pathspec-file-nul'], {
            variables,
            input: files.map((file) => `:(literal)${file}`).join('\0'),
          })
        for (const [path, text] of additions.texts ?? []) {
          const blob = (await inFolder(['hash-object', '-w', '--stdin'], { input: text })).trim()
          const whole = prefix === '' ? path : `${prefix}/${path}`
          await inFolder(['update-index', '--add', '--cacheinfo', `100644,${blob},${whole}`], {
            variables,
          })
        }
        return (await inFolder(['write-tree'], { variables })).trim()
      } finally {
        rmSync(index, { force: true })
      }
    },
    commit: async (tree: string, parents: readonly string[], message: string): Promise<string> => {
      const variables = await identity(git)
      const from = parents.flatMap((parent) => ['-p', parent])
      return (await git(['commit-tree', tree, ...from], { input: message, variables })).trim()
    },
    treeOf: async (commit: string): Promise<string> =>
      (await git(['rev-parse', `${commit}^{tree}`])).trim(),
    /** What differs between two trees, by path from the top of the repository: `A`, `M`, `D`, `T`. */
    changes: async (from: string, to: string): Promise<{ change: string; path: string }[]> => {
      const text = await git(['diff-tree', '-r', '-z', '--name-status', '--no-renames', from, to])
      const words = text.split('\0')
      const found: { change: string; path: string }[] = []
      for (let word = 0; word + 1 < words.length; word += 2)
        found.push({ change: words[word] ?? '', path: words[word + 1] ?? '' })
      return found
    },
  }
}

/** Who nobody is set to be: a commit needs a name. */
async function identity(git: Git): Promise<Record<string, string>> {
  const known = await git(['var', 'GIT_COMMITTER_IDENT']).catch(() => '')
  if (known !== '') return {}
  const [name, email] = ['orrery', 'orrery@localhost']
  return {
    GIT_AUTHOR_NAME: name,
    GIT_AUTHOR_EMAIL: email,
    GIT_COMMITTER_NAME: name,
    GIT_COMMITTER_EMAIL: email,
  }
}

function workTreesOf(git: Git) {
  const drop = async (folder: string) => {
    rmSync(folder, { recursive: true, force: true })
    await git(['worktree', 'prune'])
  }
  return {
    workTree: async (commit: string, folder: string): Promise<void> => {
      await drop(folder)
      mkdirSync(dirname(folder), { recursive: true })
      const add = ['worktree', 'add', '--quiet', '--force', '--detach', folder, commit]
      await git(['-c', 'core.hooksPath=/dev/null', ...add])
    },
    dropWorkTree: drop,
  }
}

function lines(text: string): string[] {
  return text.split('\n').filter((line) => line !== '')
}
