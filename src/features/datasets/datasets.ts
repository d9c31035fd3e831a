import { Problem } from '#base/problem'
import type { LedgerReads } from '#ledger'
import type { PipelineReads } from '#pipelines'
import type { Projects } from '#projects'
import type { ProfileStore, TableProfile } from '#tables'
import type { Tracking } from '#tracking'
import type { Handler, WorkReads } from '#work'
import { createCatalog, keyOf, type Catalog } from './catalog.ts'
import type { CommitNote, Dataset, DatasetVersion, VersionName } from './dataset.ts'
import { profileDifference, type ProfileDifference } from './difference.ts'
import { createProfiles, type ProfileState, type VersionProfiles } from './profiles.ts'
import { runsOf, type DatasetRun } from './runs.ts'
import type { CommitNotes, DatasetTx, VersionProfiler } from './store.ts'

export interface DatasetQuery {
  readonly project?: string
  readonly kind?: Dataset['kind']
  /** Paths that hold this. */
  readonly search?: string
  /** Those after this one. */
  readonly after?: { readonly project: string; readonly path: string }
  readonly limit: number
}

/** A version with what its author said of it. */
export interface NotedVersion extends DatasetVersion {
  readonly note: CommitNote | null
}

/** What projects track and what their stages make: its versions, who used them, and what they hold. */
export interface Datasets {
  /** By project and path; `isCut` where there are more. */
  list(query: DatasetQuery): Promise<{ datasets: readonly Dataset[]; isCut: boolean }>
  /** Throws `not-found`. */
  get(project: string, path: string): Promise<Dataset>
  /** The newest first; `before` is the position of a version. */
  versions(
    dataset: { project: string; path: string },
    page: { before?: number; limit: number },
  ): Promise<{ versions: NotedVersion[]; next: number | null }>
  /** What read or made it, the newest first, with what contracts said. Throws `not-found`. */
  runs(
    dataset: { project: string; path: string },
    page: { version?: string; before?: number; limit: number },
  ): Promise<{ runs: DatasetRun[]; next: number | null }>
  readonly profiles: Pick<VersionProfiles, 'of' | 'ask'>
  /** Throws `conflict` while one of them has no profile. */
  difference(
    dataset: { project: string; path: string },
    versions: { old: string; new: string },
  ): Promise<ProfileDifference>
  readonly handler: Handler
}

export interface DatasetsDependencies {
  readonly read: {
    readonly ledger: LedgerReads
    readonly pipelines: PipelineReads
    readonly work: WorkReads
  }
  readonly transact: <T>(work: (tx: DatasetTx) => Promise<T>) => Promise<T>
  readonly projects: Pick<Projects, 'list'>
  readonly tracking: Pick<Tracking, 'getRun'>
  readonly commits: CommitNotes
  readonly profiler: VersionProfiler
  /** Where profiles are kept. */
  readonly kept: ProfileStore
}

export function createDatasets(dependencies: DatasetsDependencies): Datasets {
  const { read, tracking, projects } = dependencies
  const catalog = createCatalog(read.ledger)
  const profiles = createProfiles({ ...dependencies, work: read.work })
  const { get, version } = finders(catalog)
  const contractsOf = async (name: string) =>
    (await projects.list()).find((project) => project.name === name)?.config.contracts ?? {}
  return {
    list: (query) => listed(catalog, query),
    get,
    versions: async ({ project, path }, page) => {
      const found = pageOf((await get(project, path)).versions, page)
      return { ...found, versions: await noted(dependencies, { project, path }, found.versions) }
    },
    runs: async ({ project, path }, page) => {
      const dataset = await get(project, path)
      if (page.version !== undefined) await version({ project, path, md5: page.version })
      const { ledger, pipelines } = read
      return runsOf({ ledger, pipelines, tracking, contractsOf }, dataset, page)
    },
    profiles: {
      of: async (name) => profiles.of(await version(name)),
      ask: async (name) => profiles.ask(await version(name)),
    },
    difference: async (dataset, versions) => {
      const profileOf = async (md5: string) => {
        const name = await version({ ...dataset, md5 })
        return readyProfile(name, await profiles.of(name))
      }
      const [old, current] = [await profileOf(versions.old), await profileOf(versions.new)]
      return profileDifference(old, current)
    },
    handler: profiles.handler,
  }
}

function finders(catalog: Catalog) {
  const get = async (project: string, path: string): Promise<Dataset> => {
    const found = await catalog.find(project, path)
    if (found === undefined)
      throw new Problem(
        'not-found',
        `the project ${project} has no dataset ${path} on record; track it with "orrery add ${path}", commit, and run "orrery project sync ${project}"`,
      )
    return found
  }
  return {
    get,
    version: async (name: VersionName): Promise<VersionName> => {
      const { versions } = await get(name.project, name.path)
      if (!versions.some(({ md5 }) => md5 === name.md5))
        throw new Problem('not-found', `${name.path} of ${name.project} has no version ${name.md5}`)
      return name
    },
  }
}

async function listed(
  catalog: Catalog,
  { project, kind, search = '', after, limit }: DatasetQuery,
): Promise<{ datasets: readonly Dataset[]; isCut: boolean }> {
  const letters = search.toLowerCase()
  const start = after === undefined ? '' : keyOf(after.project, after.path)
  const found = (await catalog.all()).filter(
    (each) =>
      (project === undefined || each.project === project) &&
      (kind === undefined || each.kind === kind) &&
      each.path.toLowerCase().includes(letters) &&
      keyOf(each.project, each.path) > start,
  )
  return { datasets: found.slice(0, limit), isCut: found.length > limit }
}

function pageOf(
  all: readonly DatasetVersion[],
  { before = Number.MAX_SAFE_INTEGER, limit }: { before?: number; limit: number },
): { versions: readonly DatasetVersion[]; next: number | null } {
  const found = all.filter(({ position }) => position < before)
  const versions = found.slice(0, limit)
  return { versions, next: found.length > limit ? (versions.at(-1)?.position ?? null) : null }
}

async function noted(
  { commits, read }: DatasetsDependencies,
  { project, path }: { project: string; path: string },
  versions: readonly DatasetVersion[],
): Promise<NotedVersion[]> {
  const wanted = versions.flatMap(({ commit }) => (commit === null ? [] : [commit]))
  const notes = await commits.of({ project, path }, [...new Set(wanted)])
  return Promise.all(
    versions.map(async (version) => {
      const note = version.commit === null ? undefined : notes.get(version.commit)
      const size = version.sizeBytes === null ? await sizeOf(read, path, version) : {}
      return { ...version, ...size, note: note ?? null }
    }),
  )
}

/** The ledger tells no sizes of what stages make; their records do. */
async function sizeOf(
  { ledger, pipelines }: { ledger: LedgerReads; pipelines: PipelineReads },
  path: string,
  { md5, position }: DatasetVersion,
): Promise<{ sizeBytes?: number; files?: number }> {
  const entry = await ledger.find(position)
  const { run } = (entry?.data ?? {}) as { run?: string }
  const stage = run === undefined ? undefined : await pipelines.stageOf(run)
  const out = stage?.outs.find((each) => each.path === path && each.md5 === md5)
  if (out === undefined) return {}
  const { sizeBytes, files } = out
  return files === undefined ? { sizeBytes } : { sizeBytes, files }
}

function readyProfile({ path, md5 }: VersionName, found: ProfileState): TableProfile {
  if (found.state === 'ready') return found.profile
  throw new Problem(
    'conflict',
    `${path}@${md5} has no profile yet; ask for it with POST …/versions/${md5}/profile, and then again for the difference`,
  )
}
