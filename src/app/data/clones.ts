import { existsSync } from 'node:fs'
import { mkdir, readdir, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { sha256 } from '#base/digest'
import { Problem } from '#base/problem'
import { readTrackedFile } from '#protocols/dvc/tracked-file'
import { parseProjectFile } from '#protocols/project-file/index'
import type { Clones, Snapshot, TrackedData } from '#projects'
import { checkedOrigin, git } from './git.ts'

/** In the environment of whatever works in a work tree: by it a server that was killed finds what it left running. */
export const TREE_VARIABLE = 'ORRERY_RUN_TREE'

export interface LocalClones extends Clones {
  /** The bare mirror of an origin that has been fetched. */
  mirrorOf(origin: string): string
  /** What the project holds at a branch, a tag or a commit, as the origin has them now. Throws `not-found`. */
  at(origin: string, rev: string): Promise<Snapshot>
  /** What it holds at a commit that has been fetched. */
  snapshot(origin: string, commit: string, branch: string): Promise<Snapshot>
  /** A fresh work tree of `commit` at `folder`, replacing what is there; runs of pipelines happen in these. */
  workTree(origin: string, commit: string, folder: string): Promise<void>
  dropWorkTree(origin: string, folder: string): Promise<void>
}

const GONE = '.gone'

/** Mirrors under `<root>/<digest of the origin>`; reading a snapshot never checks anything out. */
export function localClones(root: string): LocalClones {
  const mirrorOf = (origin: string) => join(root, sha256(origin).slice(0, 16))

  const busy = new Map<string, Promise<unknown>>()
  /** Two fetches at once into one mirror would be in each other's way. */
  const inTurn = async <T>(mirror: string, work: () => Promise<T>): Promise<T> => {
    const before = busy.get(mirror) ?? Promise.resolve()
    const mine = before.catch(() => undefined).then(work)
    busy.set(mirror, mine)
    try {
      return await mine
    } finally {
      if (busy.get(mirror) === mine) busy.delete(mirror)
    }
  }

  const mirrored = async (origin: string) =>
    inTurn(mirrorOf(checkedOrigin(origin)), () => refreshed(origin))

  const refreshed = async (origin: string) => {
    const mirror = mirrorOf(checkedOrigin(origin))
    if (existsSync(join(mirror, 'HEAD'))) {
      await git(mirror, ['fetch', '--quiet', '--prune', 'origin'])
      return mirror
    }
    await mkdir(dirname(mirror), { recursive: true })
    const half = `${mirror}.half`
    await rm(half, { recursive: true, force: true })
    await git(root, ['clone', '--quiet', '--bare', '--', origin, half])
    await git(half, ['config', 'remote.origin.fetch', '+refs/heads/*:refs/remotes/origin/*'])
    await git(half, ['fetch', '--quiet', 'origin'])
    await git(root, ['-C', half, 'config', 'user.name', 'Orrery'])
    await git(root, ['-C', half, 'config', 'user.email', 'orrery@localhost'])
    await rename(half, mirror)
    return mirror
  }

  const dropWorkTree = async (origin: string, folder: string) => {
    await removeAtOnce(folder)
    const mirror = mirrorOf(origin)
    await inTurn(mirror, () => git(mirror, ['worktree', 'prune']))
  }

  return {
    mirrorOf,
    fetch: async ({ origin, branch }) => {
      await mkdir(root, { recursive: true })
      const mirror = await mirrored(origin)
      const name = branch ?? (await git(mirror, ['symbolic-ref', '--short', 'HEAD'])).trim()
      const commit = (
        await git(mirror, ['rev-parse', '--verify', `refs/remotes/origin/${name}^{commit}`])
      ).trim()
      return snapshotAt(mirror, commit, name)
    },
    at: async (origin, rev) => {
      await mkdir(root, { recursive: true })
      const mirror = await mirrored(origin)
      return snapshotAt(mirror, await commitOf(mirror, rev), rev)
    },
    snapshot: (origin, commit, branch) => snapshotAt(mirrorOf(origin), commit, branch),
    workTree: async (origin, commit, folder) => {
      await dropWorkTree(origin, folder)
      await mkdir(dirname(folder), { recursive: true })
      // Twice by force: Git that was killed while it made this very tree leaves it locked.
      const add = ['worktree', 'add', '--quiet', '--force', '--force', '--detach']
      const mirror = mirrorOf(origin)
      const variables = { [TREE_VARIABLE]: folder }
      // What is pruned meanwhile could be what this begins.
      await inTurn(mirror, () => git(mirror, [...add, folder, commit], variables))
    },
    dropWorkTree,
  }
}

/** A removal that a kill cuts short leaves nothing that looks like a tree: what is left has another name, and goes next time. */
async function removeAtOnce(folder: string): Promise<void> {
  const beside = dirname(folder)
  if (!existsSync(beside)) return
  const left = (await readdir(beside)).filter((name) => name.endsWith(GONE))
  if (existsSync(folder)) {
    await rm(folder + GONE, { recursive: true, force: true })
    await rename(folder, folder + GONE)
    left.push(basename(folder) + GONE)
  }
  for (const name of left) await rm(join(beside, name), { recursive: true, force: true })
}

/** What a revision means at the origin: its branches come first, then its tags, then commits. */
async function commitOf(mirror: string, rev: string): Promise<string> {
  const [, name = '', steps = ''] = /^(.*?)([~^].*)?$/.exec(rev) ?? []
  for (const known of [`refs/remotes/origin/${name}`, `refs/tags/${name}`, name]) {
    // Local branches of the mirror are those of the day on which it was cloned.
    if (known === name && !/^[0-9a-f]{4,64}$/.test(name)) continue
    const wanted = ['rev-parse', '--verify', '--quiet', '--end-of-options']
    const found = await git(mirror, [...wanted, `${known}${steps}^{commit}`]).catch(() => '')
    if (found.trim() !== '') return found.trim()
  }
  throw new Problem(
    'not-found',
    `the origin has no branch, tag or commit ${JSON.stringify(rev)}; push it, or name another`,
  )
}

async function snapshotAt(mirror: string, commit: string, branch: string): Promise<Snapshot> {
  const paths = (await git(mirror, ['ls-tree', '-r', '-z', '--name-only', commit]))
    .split('\0')
    .filter(Boolean)
  if (!paths.includes('orrery.yaml'))
    throw new Problem(
      'invalid',
      `the repository has no orrery.yaml at ${commit.slice(0, 12)} (${branch}); write one and commit it`,
    )
  const show = (path: string) => git(mirror, ['show', `${commit}:${path}`])
  const { config, problems } = parseProjectFile(await show('orrery.yaml'))
  if (config === undefined)
    throw new Problem(
      'invalid',
      `orrery.yaml at ${commit.slice(0, 12)} is not right: ${problems.join('; ')}`,
      { problems },
    )
  const data = await Promise.all(
    paths
      .filter((path) => path.endsWith('.dvc'))
      .map(async (path) => trackedBy(path, await show(path))),
  )
  return { commit, branch, config, data: data.flat() }
}

/** The outs of one `.dvc` file that have a content hash. */
function trackedBy(file: string, text: string): TrackedData[] {
  const { value, problems } = readTrackedFile(file, text)
  if (problems.length > 0) throw new Problem('invalid', problems.join('; '), { problems })
  return value.outs.flatMap(({ path, content }) =>
    content === undefined
      ? []
      : [{ path, md5: content.md5, sizeBytes: content.sizeBytes ?? 0, files: content.files ?? 1 }],
  )
}
