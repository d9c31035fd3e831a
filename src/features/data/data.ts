import { addAll, addFrom, type Added, type AddHow } from './adding.ts'
import { outChange, type OutStatus } from './change.ts'
import type { Content } from './content.ts'
import { checkoutAll, type Checkout } from './checkout.ts'
import { cloudStatusOf, type CloudChange, type CloudRequest } from './history/cloud-status.ts'
import { commitOuts, type CommitHow } from './commit.ts'
import { chosen, type Choice } from './choosing.ts'
import type { DataDependencies } from './dependencies.ts'
import { diffOf, type DataDiff, type DiffRequest } from './history/diff.ts'
import { moveOut, type MovedOut } from './move.ts'
import { selected, type Out } from './out.ts'
import { removalOf, removeAll, type Removed } from './remove.ts'
import { broughtHere, transferAll } from './sharing.ts'
import { standingOf, type Standing, type StandingRequest } from './history/standing.ts'
import { exclusively, type KeepHow, type Moving, type RestoreHow } from './store.ts'
import { addToRemote } from './to-remote.ts'
import type { Moved } from './transfer.ts'
import { unprotectAll } from './unprotect.ts'

/** Paths and targets are relative to the project's root. No target means everything. */
export interface Data {
  /** Puts files and folders under version control: their bytes in the cache, their hashes in `.dvc` files. */
  add(paths: readonly string[], how?: AddHow): Promise<Added[]>
  /** Copies a file or a folder of this machine into the project, and adds it there. */
  addFrom(from: KeepHow & { source: string; path: string; force: boolean }): Promise<Added[]>
  /** Tracks something of this machine whose bytes go to a remote only. */
  addToRemote(from: {
    source: string
    path: string
    remote: string | undefined
    force: boolean
  }): Promise<Added[]>
  /** Stops tracking what `.dvc` files name; with `withData` the data goes, too. */
  remove(files: readonly string[], how: { withData: boolean }): Promise<Removed[]>
  /** What removing these files would stop to track, without doing it. */
  removal(files: readonly string[]): Promise<{ file: string; outs: Out[] }[]>
  /** Gives tracked data another path. */
  move(from: string, to: string): Promise<MovedOut>
  /** Records data as it is now. */
  commit(targets: readonly string[], how: CommitHow): Promise<Added[]>
  /** Makes links into the cache files of their own, to be written to. */
  unprotect(paths: readonly string[]): Promise<void>
  /** What differs from the `.dvc` files; empty when nothing does. */
  status(targets?: readonly string[]): Promise<OutStatus[]>
  /** Makes the workspace hold what the files say. Without `force`, bytes that are kept nowhere else are not overwritten. */
  checkout(targets?: readonly string[], how?: RestoreHow): Promise<Checkout>
  push(targets?: readonly string[], to?: Sharing): Promise<Moved>
  /** Brings into the cache what it lacks; the workspace stays as it is. */
  fetch(targets?: readonly string[], from?: Sharing): Promise<Moved>
  /** Brings contents that no file of the project names now. What the default remote does not have stays away. */
  bring(outs: readonly { path: string; content: Content }[], moving?: Moving): Promise<void>
  /** Fetches into the cache and checks out. */
  pull(targets?: readonly string[], from?: Sharing & { force?: boolean }): Promise<Pulled>
  /** How the cache and the remote differ. */
  cloudStatus(request: CloudRequest): Promise<{ path: string; change: CloudChange }[]>
  /** Where the data stands between the last commit, DVC's files and the workspace. */
  standing(request: StandingRequest): Promise<Standing>
  /** What became of the data between two commits, or a commit and the workspace. */
  diff(request: DiffRequest): Promise<DataDiff>
  /** Every out with what it should hold. */
  outs(): Promise<Out[]>
}

/** With which remote; the default one where none is named. */
export interface Sharing extends Moving, Omit<Choice, 'targets'> {
  readonly remote?: string
  /** What nobody has is told, and so is that there is no remote to have it. */
  readonly allowMissing?: boolean
  /** What is remembered of runs as well, and when pushing what they brought forth. */
  readonly runCache?: boolean
}

export interface Pulled {
  readonly fetched: Moved
  readonly checkout: Checkout
}

export function createData(dependencies: DataDependencies): Data {
  const { catalog, locks } = dependencies
  return {
    add: (paths, how) => exclusively(locks, () => addAll(dependencies, paths, how)),
    addFrom: (from) => exclusively(locks, () => addFrom(dependencies, from)),
    addToRemote: (from) => exclusively(locks, () => addToRemote(dependencies, from)),
    remove: (files, how) => exclusively(locks, () => removeAll(dependencies, files, how)),
    removal: (files) => removalOf(dependencies, files),
    move: (from, to) => exclusively(locks, () => moveOut(dependencies, from, to)),
    commit: (targets, how) =>
      exclusively(locks, async () => {
        const outs = selected(await catalog.outs(), targets).map(({ out }) => out)
        return commitOuts(dependencies, [...new Set(outs)], how)
      }),
    unprotect: (paths) => exclusively(locks, () => unprotectAll(dependencies, paths)),
    status: async (targets = []) => {
      const outs = selected(await catalog.outs(), targets).filter(
        ({ out }) => out.owner.kind === 'tracked',
      )
      const found: OutStatus[] = []
      for (const { out } of outs) {
        const change = await outChange(dependencies, out)
        if (change !== undefined) found.push({ path: out.path, owner: out.owner, change })
      }
      return found
    },
    checkout: (targets = [], how = { force: false }) =>
      exclusively(locks, async () =>
        checkoutAll(dependencies, selected(await catalog.outs(), targets), how),
      ),
    push: (targets = [], to = {}) =>
      exclusively(locks, () =>
        transferAll(dependencies, { ...to, targets, remote: to.remote, direction: 'push' }),
      ),
    fetch: (targets = [], from = {}) =>
      exclusively(locks, () =>
        transferAll(dependencies, { ...from, targets, remote: from.remote, direction: 'pull' }),
      ),
    bring: (outs, moving = {}) => exclusively(locks, () => broughtHere(dependencies, outs, moving)),
    pull: (targets = [], from = {}) =>
      exclusively(locks, async () => {
        const fetched = await transferAll(dependencies, {
          ...from,
          targets,
          remote: from.remote,
          direction: 'pull',
        })
        const here = await chosen(dependencies, { targets, glob: from.glob ?? false })
        const checkout = await checkoutAll(dependencies, here, { force: from.force ?? false })
        return { fetched, checkout }
      }),
    cloudStatus: (request) => cloudStatusOf(dependencies, request),
    standing: (request) => standingOf(dependencies, request),
    diff: (request) => diffOf(dependencies, request),
    outs: () => catalog.outs(),
  }
}
