import type { Clock } from '#base/clock'
import { Problem } from '#base/problem'
import type { Actor, Transact } from '#ledger'
import { checkedExperimentName, type Experiment } from '../experiment.ts'
import * as facts from '../facts.ts'
import { folderOf } from './scope.ts'
import type {
  BrowsingReads,
  BrowsingWrites,
  ExperimentPage,
  Folder,
  ListedExperiment,
  Rename,
} from './store.ts'

export interface FolderListing {
  readonly folder: string
  readonly folders: readonly Folder[]
  readonly experiments: readonly ListedExperiment[]
  /** Where the next page of each begins. */
  readonly nextFolder: string | null
  readonly nextExperiment: string | null
}

/** Experiments whose names hold a `/` stand in folders; a folder is there as long as something is in it. */
export interface Folders {
  list(page: Omit<ExperimentPage, 'after'> & FolderPlaces): Promise<FolderListing>
  /** Experiments at any depth whose names hold the text. */
  search(
    page: ExperimentPage & { search: string },
  ): Promise<{ experiments: readonly ListedExperiment[]; next: string | null }>
  /** What a move would rename. Throws as `move` does. */
  preview(from: string, to: string): Promise<Rename[]>
  /**
   * Renames the experiment of that name and all in the folder of that name, all or none. Throws `not-found` for
   * nothing to move, `exists` when a name is taken.
   */
  move(actor: Actor, from: string, to: string): Promise<Rename[]>
}

interface FolderPlaces {
  readonly afterFolder: string | null
  readonly afterExperiment: string | null
}

/** More would keep every other writer waiting. */
export const MOVED_MAX = 20_000

export function createFolders({
  read,
  transact,
  clock,
}: {
  read: BrowsingReads
  transact: Transact<{ browsing: BrowsingWrites }>
  clock: Clock
}): Folders {
  return {
    list: async ({ afterFolder, afterExperiment, ...page }) => {
      const folder = folderOf(page.folder)
      const folders = await read.folders({ ...page, folder, after: afterFolder ?? '' })
      const experiments = await read.experimentsIn({
        ...page,
        folder,
        after: afterExperiment ?? '',
      })
      const { limit } = page
      return {
        folder,
        folders: folders.slice(0, limit),
        experiments: experiments.slice(0, limit),
        nextFolder: folders.length > limit ? (folders[limit - 1]?.folder ?? null) : null,
        nextExperiment: experiments.length > limit ? (experiments[limit - 1]?.name ?? null) : null,
      }
    },
    search: async (page) => {
      const found = await read.experimentsNamed({ ...page, folder: folderOf(page.folder) })
      const experiments = found.slice(0, page.limit)
      return {
        experiments,
        next: found.length > page.limit ? (experiments.at(-1)?.name ?? null) : null,
      }
    },
    preview: (from, to) => renamesFor(read, from, to),
    move: (actor, from, to) =>
      transact(async ({ browsing, ledger }) => {
        const renames = await renamesFor(browsing, from, to)
        await browsing.renameExperiments(
          renames.map((rename) => ({ experimentId: rename.experimentId, name: rename.to })),
          clock.nowMs(),
        )
        await ledger.append(actor, [facts.experimentsMoved(folderOf(from), folderOf(to), renames)])
        return renames
      }),
  }
}

async function renamesFor(
  read: BrowsingReads,
  fromText: string,
  toText: string,
): Promise<Rename[]> {
  const [from, to] = [folderOf(fromText), folderOf(toText)]
  if (from === '')
    throw new Problem('invalid', 'the folder of all experiments cannot be moved; name one in it')
  if (to === from || to.startsWith(`${from}/`))
    throw new Problem(
      'invalid',
      `${JSON.stringify(from)} cannot be moved into itself, to ${JSON.stringify(to)}; choose another place`,
    )
  const experiments = await read.experimentsAt(from)
  if (experiments.length === 0)
    throw new Problem(
      'not-found',
      `there is no experiment and no folder ${JSON.stringify(from)}; "orrery experiments list" lists them`,
    )
  if (experiments.length > MOVED_MAX)
    throw new Problem(
      'limit',
      `${JSON.stringify(from)} holds ${experiments.length} experiments; at most ${MOVED_MAX} are moved at once, so move its folders one by one`,
    )
  const renames = experiments.map((experiment) => renameOf(experiment, from, to))
  const taken = await read.takenNames(renames.map((rename) => rename.to))
  if (taken.length > 0)
    throw new Problem(
      'exists',
      `nothing was moved: ${taken.length} of ${renames.length} names are taken, ${taken.slice(0, 5).join(', ')}${taken.length > 5 ? ' …' : ''}; rename those first or choose another place`,
    )
  return renames
}

function renameOf({ experimentId, name }: Experiment, from: string, to: string): Rename {
  const rest = name.slice(from.length)
  // Out of all folders: `a/b` moved to nothing is called `b`.
  const moved = to === '' ? rest.slice(1) : `${to}${rest}`
  if (to === '' && rest === '')
    return { experimentId, from: name, to: checkedExperimentName(name.split('/').at(-1) ?? '') }
  return { experimentId, from: name, to: checkedExperimentName(moved) }
}
