import { Problem } from '#base/problem'
import {
  byRevision,
  listsOn,
  openReferences,
  wordsOfUser,
  type References,
  type Use,
} from './references.ts'
import { addNeeded, type Asked, type Skipped } from './needed.ts'
import type { Lying, Shelf } from './shelf.ts'
import type { ObjectName } from '../store.ts'
import type { UpkeepDependencies } from './dependencies.ts'

/** What must stay, and where is looked. The workspace always counts. */
export interface GarbageRequest extends Asked {
  /** Objects that the server of this project needs. */
  readonly kept?: readonly KeptElsewhere[]
  /** Of what is needed, leaves in the cache only what the remote has not. */
  readonly notInRemote?: boolean
  /** Keeps all that runs in the run cache could bring back. */
  readonly allRuns?: boolean
  /** The remote, too. */
  readonly cloud?: boolean
  readonly remote?: string
}

/** An object that somebody outside of the project's files needs. */
export interface KeptElsewhere {
  readonly object: ObjectName
  readonly path: string
  readonly what: string
}

export interface GarbagePlan {
  readonly places: readonly PlacePlan[]
  /** Runs of the run cache that could not be brought back afterwards. */
  readonly runsLost: number
  /** Runs that stay whole only since their small outputs, which Git keeps, are kept here as well. */
  readonly runsKept: number
  readonly skipped: readonly Skipped[]
  /** Folders of which nobody has the list. */
  readonly unlisted: readonly Use[]
}

export interface PlacePlan {
  readonly shelf: Shelf
  /** Whether it can be undone. */
  readonly undoable: boolean
  readonly free: readonly Freed[]
  readonly stay: readonly {
    readonly why: string
    readonly objects: number
    readonly bytes: number
  }[]
}

export interface Freed {
  readonly object: Lying
  /** The last that used it, as far as the project's history tells. */
  readonly lastUse: Use | undefined
}

/** What nothing needs of what lies in the cache and, if asked for, on the remote. */
export async function garbagePlan(
  dependencies: UpkeepDependencies,
  request: GarbageRequest,
): Promise<GarbagePlan> {
  const cloud = request.cloud === true || request.notInRemote === true
  const remote = cloud ? await dependencies.shelfOf(request.remote) : undefined
  const skipped: Skipped[] = []
  const references = openReferences(
    listsOn(
      [dependencies.shelf, ...(remote === undefined ? [] : [remote])],
      dependencies.readList,
      refuseList,
    ),
  )
  await addNeeded(dependencies, { request, references, skipped })
  for (const { object, path, what } of request.kept ?? [])
    await addKept(references, { object, path, what })
  const runs = await addRuns(dependencies, references, request)
  const places: (PlacePlan & { free: Freed[] })[] = []
  for (const shelf of [
    dependencies.shelf,
    ...(request.cloud === true && remote !== undefined ? [remote] : []),
  ]) {
    const elsewhere =
      request.notInRemote === true && shelf === dependencies.shelf ? remote : undefined
    places.push(await placePlan(shelf, references, elsewhere))
  }
  await nameLastUses(dependencies, places)
  return {
    places,
    ...runs,
    skipped,
    unlisted: references.unlisted,
  }
}

/** What a damaged list names cannot be known, and must not pass for garbage. */
function refuseList(shelf: Shelf, { md5 }: ObjectName): never {
  throw new Problem(
    'conflict',
    `the folder's list ${md5} in ${shelf.name} is damaged, so what it needs cannot be told and nothing was removed; run \`orrery fsck\` first`,
  )
}

async function addKept(references: References, kept: KeptElsewhere): Promise<void> {
  const content = { md5: kept.object.md5, ...(kept.object.legacy ? { legacy: true } : {}) }
  await references.addOut(
    {
      path: kept.path,
      owner: { kind: 'tracked', file: kept.what, frozen: false, imported: false },
      content,
      cached: true,
      push: true,
      remote: undefined,
    },
    { kind: 'server', what: kept.what },
  )
}

/**
 * A run can be brought back while all of its outputs are in the cache. Those that Git keeps are there only
 * for the run's sake and no file asks for them: they stay with every run whose other outputs stay.
 */
async function addRuns(
  { runs, allOuts }: UpkeepDependencies,
  references: References,
  { allRuns }: GarbageRequest,
): Promise<{ runsLost: number; runsKept: number }> {
  const small = (await allOuts()).filter((out) => !out.cached).map(({ path }) => path)
  const counts = { runsLost: 0, runsKept: 0 }
  for await (const run of runs.all()) {
    if (run.outs.length === 0) continue
    const isNeeded = (out: (typeof run.outs)[number]) =>
      references.find({ md5: out.md5, legacy: out.legacy ?? false }) !== undefined
    const isSmall = (path: string) =>
      small.some((each) => each === path || each.endsWith(`/${path.replace(/^(?:\.\.\/)+/, '')}`))
    const rest = run.outs.filter((out) => !isNeeded(out))
    if (rest.length === 0) continue
    if (allRuns !== true && !rest.every(({ path }) => isSmall(path))) {
      if (run.whole) counts.runsLost++
      continue
    }
    counts.runsKept++
    for (const { path, ...content } of rest)
      await references.addOut(
        {
          path,
          owner: { kind: 'tracked', file: run.name, frozen: false, imported: false },
          content,
          cached: true,
          push: false,
          remote: undefined,
        },
        { kind: 'run' },
      )
  }
  return counts
}

async function placePlan(
  shelf: Shelf,
  references: References,
  remote: Shelf | undefined,
): Promise<PlacePlan & { free: Freed[] }> {
  const free: Freed[] = []
  const stay = new Map<string, { objects: number; bytes: number }>()
  const stays = (why: string, object: Lying) => {
    const sum = stay.get(why) ?? { objects: 0, bytes: 0 }
    stay.set(why, { objects: sum.objects + 1, bytes: sum.bytes + object.sizeBytes })
  }
  for await (const object of shelf.objects()) {
    const use = references.find(object)
    if (use === undefined) free.push({ object, lastUse: undefined })
    else if ((await remote?.look(object))?.sizeBytes === object.sizeBytes)
      free.push({ object, lastUse: use })
    else
      stays(
        `needed by ${wordsOfUser(use.by)}${remote === undefined ? '' : `, not on ${remote.name}`}`,
        object,
      )
  }
  return {
    shelf,
    undoable: shelf.trash !== undefined,
    free,
    stay: [...stay].map(([why, { objects, bytes }]) => ({ why, objects, bytes })),
  }
}

/** So much history is looked through to name who used last what goes. */
const HISTORY_COMMITS_MAX = 2000

async function nameLastUses(
  { revisions, shelf: cache, readList }: UpkeepDependencies,
  places: readonly { readonly free: Freed[] }[],
): Promise<void> {
  const isKnown = places.every(({ free }) => free.every(({ lastUse }) => lastUse !== undefined))
  if (revisions === undefined || isKnown) return
  const history = openReferences(listsOn([cache], readList, () => {}))
  const commits = await revisions.all({ commits: true })
  for (const revision of commits.slice(0, HISTORY_COMMITS_MAX)) {
    try {
      for (const out of await revisions.outsAt(revision.commit))
        await history.addOut(out, byRevision(revision))
    } catch (error) {
      // Whose file cannot be read is not named; nothing else depends on it here.
      if (!(error instanceof Problem)) throw error
    }
  }
  for (const { free } of places)
    for (const [index, { object, lastUse }] of free.entries())
      if (lastUse === undefined) free[index] = { object, lastUse: history.find(object) }
}
