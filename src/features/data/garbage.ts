import { Problem } from '#base/problem'
import { byRevision, openReferences, wordsOfUser, type References, type Use } from './references.ts'
import type { Revisions, RevisionSelection } from './revisions.ts'
import { keyOf, type Lying, type Shelf } from './shelf.ts'
import type { ObjectName } from './store.ts'
import type { UpkeepDependencies } from './upkeep-dependencies.ts'

/** What must stay, and where is looked. The workspace always counts. */
export interface GarbageRequest {
  readonly revisions?: RevisionSelection
  /** Roots of other projects that use the same cache; the same is asked of each. */
  readonly projects?: readonly string[]
  /** Objects that the server of this project needs. */
  readonly kept?: readonly KeptElsewhere[]
  /** Leaves in the cache what the remote has not. */
  readonly notInRemote?: boolean
  /** Keeps all that runs in the run cache could bring back. */
  readonly allRuns?: boolean
  /** The remote, too. */
  readonly cloud?: boolean
  readonly remote?: string
  /** Passes over revisions that cannot be read. */
  readonly skipFailed?: boolean
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
  readonly skipped: readonly { readonly revision: string; readonly reason: string }[]
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
  const skipped: { revision: string; reason: string }[] = []
  const references = openReferences(dependencies.listFrom(remote))
  await addAsked(dependencies, { request, references, skipped })
  for (const { object, path, what } of request.kept ?? [])
    await addKept(references, { object, path, what })
  const runs = await addRuns(dependencies, references, request)
  const places: PlacePlan[] = []
  for (const shelf of [
    dependencies.shelf,
    ...(request.cloud === true && remote !== undefined ? [remote] : []),
  ]) {
    const keepIfMissing =
      request.notInRemote === true && shelf === dependencies.shelf ? remote : undefined
    places.push(await placePlan(shelf, references, keepIfMissing))
  }
  return {
    places: await withLastUses(dependencies, places),
    ...runs,
    skipped,
    unlisted: references.unlisted,
  }
}

interface Asking {
  readonly request: GarbageRequest
  readonly references: References
  readonly skipped: { revision: string; reason: string }[]
}

async function addAsked(dependencies: UpkeepDependencies, asking: Asking): Promise<void> {
  const { references, request } = asking
  for (const out of await dependencies.allOuts())
    if (out.cached) await references.addOut(out, { kind: 'workspace' })
  await addRevisions(dependencies.revisions, asking)
  for (const root of request.projects ?? []) {
    const project = await dependencies.projectAt(root)
    for (const out of await project.allOuts())
      if (out.cached) await references.addOut(out, { kind: 'project', root })
    await addRevisions(project.revisions, asking)
  }
}

async function addRevisions(
  revisions: Revisions | undefined,
  { request, references, skipped }: Asking,
): Promise<void> {
  if (request.revisions === undefined) return
  if (revisions === undefined)
    throw new Problem('invalid', 'this project has no Git history; ask for --workspace only')
  for (const revision of await revisions.all(request.revisions)) {
    try {
      for (const out of await revisions.outsAt(revision.commit))
        if (out.cached) await references.addOut(out, byRevision(revision))
    } catch (error) {
      if (!(error instanceof Problem)) throw error
      const name = revision.names[0] ?? revision.commit.slice(0, 7)
      if (request.skipFailed !== true)
        throw new Problem(
          error.code,
          `what ${name} needs cannot be told: ${error.message}; nothing was removed (--skip-failed goes on without it, and what only it needs goes)`,
        )
      skipped.push({ revision: name, reason: error.message })
    }
  }
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
): Promise<PlacePlan> {
  const free: Freed[] = []
  const stay = new Map<string, { objects: number; bytes: number }>()
  const stays = (why: string, object: Lying) => {
    const sum = stay.get(why) ?? { objects: 0, bytes: 0 }
    stay.set(why, { objects: sum.objects + 1, bytes: sum.bytes + object.sizeBytes })
  }
  for await (const object of shelf.objects()) {
    const use = references.find(object)
    if (use !== undefined) stays(`needed by ${wordsOfUser(use.by)}`, object)
    else if (remote !== undefined && (await remote.look(object)) === undefined)
      stays(`not on ${remote.name}`, object)
    else free.push({ object, lastUse: undefined })
  }
  return {
    shelf,
    undoable: shelf.trash !== undefined,
    free,
    stay: [...stay].map(([why, sum]) => ({ why, ...sum })),
  }
}

/** So much history is looked through to name who used last what goes. */
const HISTORY_COMMITS_MAX = 2000

async function withLastUses(
  { revisions, listFrom }: UpkeepDependencies,
  places: readonly PlacePlan[],
): Promise<PlacePlan[]> {
  const wanted = new Set(places.flatMap(({ free }) => free.map(({ object }) => keyOf(object))))
  if (revisions === undefined || wanted.size === 0) return [...places]
  const history = openReferences(listFrom(undefined))
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
  return places.map((place) => ({
    ...place,
    free: place.free.map(({ object }) => ({ object, lastUse: history.find(object) })),
  }))
}
