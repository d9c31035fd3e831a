import { existsSync, lstatSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { Problem } from '#base/problem'
import { APPLIED, QUEUED } from '#protocols/dvc/experiments'
import type { ExperimentGround } from './ground.ts'
import { recovered } from './runs.ts'

export interface Applied {
  readonly name: string
  readonly commit: string
  /** Files that were written or removed, from the top of the repository. */
  readonly changed: readonly string[]
  /** Data that is not in the cache, so it could not be put in place. */
  readonly missing: readonly string[]
  /** What was in the folder and is no longer, as a commit; only after `force`. */
  readonly before: string | null
}

/** Where what was overwritten by force is kept. */
const OVERWRITTEN = 'refs/exps/apply/stash'

/**
 * Makes the folder hold what an experiment does. Work that is recorded nowhere is not overwritten, unless by force;
 * then it is kept as a commit. Done again after it was cut off, it comes to its end.
 */
export async function applyExperiment(
  ground: ExperimentGround,
  word: string,
  { force }: { force: boolean },
): Promise<Applied> {
  await recovered(ground)
  const { git, root, project } = ground
  const { name, commit } = await commitFor(ground, word)
  return ground.alone(async () => {
    const head = await git.head()
    const [now, base, wanted] = [
      await git.snapshot(root),
      await git.treeOf(head),
      await git.treeOf(commit),
    ]
    const changes = (await git.changes(now, wanted)).filter(
      ({ path }) => !path.startsWith('.dvc/tmp/'),
    )
    const edited = new Set((await git.changes(base, now)).map(({ path }) => path))
    const inBase = new Set((await git.changes(wanted, base)).map(({ path }) => path))
    // What somebody added to Git, and the experiment does not know, stays.
    const meant = changes.filter(
      ({ change, path }) => change !== 'D' || !edited.has(path) || inBase.has(path),
    )
    const lost = await unkept(ground, { changes: meant, edited, now })
    const data = force ? [] : await changedData(ground)
    if (!force && lost.length + data.length > 0) throw overwriting(name, [...lost, ...data])
    let before: string | null = null
    if (lost.length > 0) {
      const files = lost
        .filter((path) => existsSync(join(git.top, path)))
        .map((path) => inProject(git.prefix, path))
      const tree = await git.snapshot(root, { files: files.filter((path) => path !== undefined) })
      before = await git.commit(tree, [head], `what was here before ${name} was applied`)
      await git.putOn(OVERWRITTEN, before, `dvc-exp-apply:${head}:${commit}:${name}`)
    }
    await written(ground, { wanted, changes: meant })
    const { failed } = await project.data.checkout([], { force })
    await git.move(APPLIED, commit)
    return {
      name,
      commit,
      changed: meant.map(({ path }) => path),
      missing: failed.map(({ path }) => path),
      before,
    }
  })
}

async function commitFor(
  ground: ExperimentGround,
  word: string,
): Promise<{ name: string; commit: string }> {
  try {
    return await ground.named(word)
  } catch (error) {
    const waiting = (await ground.git.logged(QUEUED)).find(
      ({ commit, message }) => commit.startsWith(word) || message.endsWith(`:${word}`),
    )
    if (waiting !== undefined) return { name: word, commit: waiting.commit }
    const commit = await ground.git.resolve(word)
    if (commit === undefined || !(error instanceof Problem) || error.code !== 'not-found')
      throw error
    return { name: word, commit }
  }
}

function inProject(prefix: string, path: string): string | undefined {
  if (prefix === '') return path
  return path.startsWith(`${prefix}/`) ? path.slice(prefix.length + 1) : undefined
}

function overwriting(name: string, paths: readonly string[]): Problem {
  const shown =
    paths.slice(0, 5).join(', ') + (paths.length > 5 ? ` and ${paths.length - 5} more` : '')
  return new Problem(
    'conflict',
    `applying ${name} would overwrite changes that are recorded nowhere: ${shown}; keep them with \`orrery exp save\` or \`git commit\`, or use --force`,
  )
}

/** Changed paths whose content no commit and no experiment has. */
async function unkept(
  ground: ExperimentGround,
  at: {
    changes: readonly { change: string; path: string }[]
    edited: ReadonlySet<string>
    now: string
  },
): Promise<string[]> {
  const { git } = ground
  const tracked = at.changes.filter(({ path }) => at.edited.has(path)).map(({ path }) => path)
  // Git does not track it yet, and a file lies where one is to be written.
  const inTheWay = at.changes
    .filter(
      ({ change, path }) =>
        change === 'A' && lstatSync(join(git.top, path), { throwIfNoEntry: false }) !== undefined,
    )
    .map(({ path }) => path)
  if (tracked.length + inTheWay.length === 0) return []
  const commits = (await ground.all()).map(({ commit }) => commit)
  const suspects = new Map([
    ...(await blobsAt(git, at.now, tracked)),
    ...(await blobsInFolder(git, inTheWay)),
  ])
  for (const commit of commits) {
    if (suspects.size === 0) break
    const kept = await blobsAt(git, commit, [...suspects.keys()])
    for (const [path, blob] of suspects) if (kept.get(path) === blob) suspects.delete(path)
  }
  return [...suspects.keys()]
}

type Git = ExperimentGround['git']

async function blobsAt(
  { git, top }: Git,
  tree: string,
  paths: readonly string[],
): Promise<Map<string, string>> {
  if (paths.length === 0) return new Map()
  const literal = paths.map((path) => path)
  const text = await git([
    '-C',
    top,
    '--literal-pathspecs',
    'ls-tree',
    '-r',
    '-z',
    tree,
    '--',
    ...literal,
  ])
  return new Map(
    text
      .split('\0')
      .filter((line) => line !== '')
      .map((line) => {
        const [about = '', path = ''] = line.split('\t')
        return [path, about.split(' ')[2] ?? '']
      }),
  )
}

async function blobsInFolder(
  { git, top }: Git,
  paths: readonly string[],
): Promise<Map<string, string>> {
  const found = new Map<string, string>()
  for (const path of paths) {
    const isFile = lstatSync(join(top, path)).isFile()
    const id = isFile
      ? await git(['-C', top, 'hash-object', '--stdin', `--path=${path}`], {
          input: readFileSync(join(top, path), 'latin1'),
        })
      : ''
    found.set(path, id.trim())
  }
  return found
}

/** Tracked data whose bytes are not in the cache. */
async function changedData({ project }: ExperimentGround): Promise<string[]> {
  const changed = await project.data.status()
  return changed.filter(({ change }) => change === 'modified').map(({ path }) => path)
}

async function written(
  { git, own }: ExperimentGround,
  { wanted, changes }: { wanted: string; changes: readonly { change: string; path: string }[] },
): Promise<void> {
  const index = join(own, `apply.${process.pid}`)
  const variables = { GIT_INDEX_FILE: index }
  try {
    await git.git(['-C', git.top, 'read-tree', wanted], { variables })
    const there = changes.filter(({ change }) => change !== 'D').map(({ path }) => path)
    if (there.length > 0)
      await git.git(['-C', git.top, 'checkout-index', '--force', '-z', '--stdin'], {
        variables,
        input: there.map((path) => `${path}\0`).join(''),
      })
    for (const { change, path } of changes)
      if (change === 'D') rmSync(join(git.top, path), { force: true })
  } finally {
    rmSync(index, { force: true })
  }
}
