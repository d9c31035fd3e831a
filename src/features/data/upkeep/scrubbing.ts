import type { Asked, Skipped } from './needed.ts'
import type { Use } from './references.ts'
import type { Lying, Shelf } from './shelf.ts'
import type { ObjectName } from '../store.ts'
import type { UpkeepDependencies } from './dependencies.ts'

/** Besides what the workspace needs, what the asked revisions need has to be whole. */
export interface ScrubRequest extends Omit<Asked, 'projects'> {
  /** Looks at this remote as well; the default one if `undefined` stands for its name. */
  readonly remote?: { readonly name: string | undefined }
  /** Reads all that is on the remote, too. */
  readonly deep?: boolean
  /** Only tells. */
  readonly dry?: boolean
  readonly onChecked?: (objects: number, bytes: number) => void
}

export type Fault =
  /** Its bytes are not those of its name. */
  | 'damaged'
  /** It is needed and is not there. */
  | 'missing'
  /** Its bytes are right, and it names files that no folder may have. */
  | 'refused list'
  /** It lay open to be written to; its bytes are right. */
  | 'unprotected'
  /** It lies among the objects, or the runs, and is none. */
  | 'stray'
  /** A link of the workspace that leads to nothing. */
  | 'broken link'

export interface Finding {
  /** As people call it: `the cache`, `the remote backup`, `the workspace`. */
  readonly place: string
  readonly fault: Fault
  /** The hash of an object, or the path of what is none. */
  readonly name: string
  readonly neededBy: Use | undefined
  /** What was done, or why nothing was. */
  readonly outcome: Outcome
}

export type Outcome =
  | { readonly kind: 'mended'; readonly how: string }
  /** It is out of the way, and nothing needs it. */
  | { readonly kind: 'put aside' }
  /** What would be done without `dry`, as far as that can be told. */
  | { readonly kind: 'untouched' }
  | { readonly kind: 'broken'; readonly why: string }

export interface Scrubbed {
  readonly checked: readonly {
    readonly place: string
    readonly objects: number
    readonly bytes: number
  }[]
  readonly findings: readonly Finding[]
  /** Whether something stays that is not as it should be. */
  readonly broken: boolean
  /** Data of which nothing was ever fetched here: pull does that, it is no fault. */
  readonly notHere: readonly Use[]
  /** Runs of the run cache that lack outputs, and cannot be brought back. */
  readonly runsLost: number
  readonly skipped: readonly Skipped[]
}

/** One scrub as it goes on. */
export interface Scrubbing {
  readonly dependencies: UpkeepDependencies
  readonly request: ScrubRequest
  readonly findings: Finding[]
  /** Objects of the cache that are not right, by key. */
  readonly damaged: Map<string, Lying>
  /** The bag for what is damaged on a shelf, made when it is needed. */
  aside(shelf: Shelf): Promise<string | undefined>
}

export function startScrubbing(dependencies: UpkeepDependencies, request: ScrubRequest): Scrubbing {
  const bags = new Map<Shelf, string>()
  return {
    dependencies,
    request,
    findings: [],
    damaged: new Map(),
    aside: async (shelf) => {
      const bag = bags.get(shelf) ?? (await shelf.trash?.open('damaged', dependencies.nowMs()))
      if (bag !== undefined) bags.set(shelf, bag)
      return bag
    },
  }
}

/** Takes a damaged object out of its place, so that nobody uses it. */
export async function putAside(
  { aside, request }: Scrubbing,
  shelf: Shelf,
  object: ObjectName,
): Promise<boolean> {
  if (request.dry === true || (await shelf.look(object)) === undefined) return false
  const bag = await aside(shelf)
  if (bag === undefined) return false
  await shelf.trash?.put(bag, object)
  return true
}
