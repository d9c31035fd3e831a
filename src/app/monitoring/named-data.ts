import { readFile } from 'node:fs/promises'
import { sha256 } from '#base/digest'
import { messageOf, Problem } from '#base/problem'
import type { DataFile } from '#drift'
import type { KnownData, NamedData, NamedTable } from '#monitoring'
import type { Project, Projects, Snapshot } from '#projects'
import { readLockFile } from '#protocols/dvc/lock-file'
import { whylogsProfileIn } from '#protocols/whylogs/index'
import type { Registry } from '#registry'
import type { Endpoint } from '#serving'
import type { LocalClones } from '../data/clones.ts'
import type { DatasetFiles } from '../data/dataset-files.ts'
import { git } from '../data/git.ts'
import { fileInGit } from './git-files.ts'
import { isRows } from './training-data.ts'

interface Sources {
  readonly endpoints: () => Promise<readonly Endpoint[]>
  readonly projects: Pick<Projects, 'get'>
  readonly clones: Pick<LocalClones, 'mirrorOf' | 'at'>
  readonly datasets: Pick<DatasetFiles, 'files'>
  readonly registry: Registry
  /** Where files that lie in Git are laid. */
  readonly folder: string
}

/** Finds data in projects: what the newest commit that was seen has at a path, or what an earlier one had. */
export function namedData(sources: Sources): NamedData {
  const { registry } = sources
  return {
    find: async ({ endpoint, reference: { data, project } }) => {
      try {
        const known = await projectOf(sources, endpoint, project)
        return await dataIn(sources, known, data)
      } catch (error) {
        if (isLasting(error)) return { state: 'unknown', reason: messageOf(error) }
        throw error
      }
    },
    signature: async (model, version) => {
      if (version === 0 || (await registry.models.find(model)) === undefined) return undefined
      const { description } = await registry.versions.get(model, version)
      const inputs = (description.signature?.inputs ?? []).map((column) => column.name)
      return inputs.length === 0 ? undefined : inputs
    },
  }
}

async function projectOf(
  { endpoints, projects }: Sources,
  endpoint: string,
  named: string | undefined,
): Promise<Project> {
  const name = named ?? (await endpoints()).find((each) => each.name === endpoint)?.project ?? ''
  if (name !== '') return projects.get(name)
  throw new Problem(
    'not-found',
    'the endpoint belongs to no project in which its reference could be; name one: reference: { project: NAME, data: PATH }',
  )
}

async function dataIn(sources: Sources, project: Project, data: string): Promise<KnownData> {
  const { path, rev } = await placeIn(sources, project, data)
  // A version may be named by its hash, which says all.
  const md5 = rev !== undefined && /^[0-9a-f]{32}(\.dir)?$/.test(rev) ? rev : undefined
  const at =
    rev === undefined || md5 !== undefined ? project : await sources.clones.at(project.origin, rev)
  const tracked = md5 === undefined ? await trackedAt(sources, project, at, path) : { path, md5 }
  if (tracked !== undefined) return ofVersion(sources, { project, tracked, path })
  const mirror = sources.clones.mirrorOf(project.origin)
  const file = await fileInGit(mirror, { commit: at.commit, path })
  if (file !== undefined)
    return {
      state: 'known',
      digest: sha256(JSON.stringify([file.digest, path])),
      open: async () => tableOf(path, [{ name: path, path: await file.laidInto(sources.folder) }]),
    }
  throw new Problem(
    'not-found',
    `${project.name} has no ${path} at ${at.commit.slice(0, 12)}; commit it, or track it with "orrery add ${path}", and push`,
  )
}

/** What DVC tracks: the hash says what it holds, wherever the bytes are. */
function ofVersion(
  { datasets }: Sources,
  of: { project: Project; tracked: { path: string; md5: string }; path: string },
): KnownData {
  const { project, tracked, path } = of
  return {
    state: 'known',
    digest: sha256(JSON.stringify([tracked.md5, path])),
    open: async () => {
      const files = await datasets.files(project.name, tracked.path, tracked.md5)
      if (files !== null)
        return tableOf(
          path,
          files.filter(({ name }) => name === path || name.startsWith(`${path}/`)),
        )
      throw new Problem(
        'not-found',
        `${tracked.path}@${tracked.md5} is not on the remote of ${project.name}; run "orrery push" where it was made`,
      )
    },
  }
}

/** A path and a revision; a path itself may have an `@` in it. */
async function placeIn(
  sources: Sources,
  project: Project,
  data: string,
): Promise<{ path: string; rev: string | undefined }> {
  const plain = data.replace(/^(\.\/)+/, '').replace(/\/+$/, '')
  // Git would not read it, and nor would what lays files down.
  if (plain.includes('\0') || plain.split('/').some((part) => ['', '.', '..'].includes(part)))
    throw new Problem(
      'invalid',
      `${JSON.stringify(data)} is no path in a project; write one from the top of it, as data/usual.parquet`,
    )
  const at = plain.lastIndexOf('@')
  const isWhole =
    at <= 0 ||
    at === plain.length - 1 ||
    (await trackedAt(sources, project, project, plain)) !== undefined
  return isWhole
    ? { path: plain, rev: undefined }
    : { path: plain.slice(0, at), rev: plain.slice(at + 1) }
}

/** What is tracked at a path, or above it; what stages make is known by the lock of the commit. */
async function trackedAt(
  { clones }: Sources,
  { origin }: Project,
  { commit, data }: Snapshot,
  path: string,
): Promise<{ path: string; md5: string } | undefined> {
  const holds = (each: { path: string }) => each.path === path || path.startsWith(`${each.path}/`)
  const tracked = data.find(holds)
  if (tracked !== undefined) return tracked
  const mirror = clones.mirrorOf(origin)
  const listed = await git(mirror, ['ls-tree', '--name-only', commit, 'dvc.lock'])
  if (listed.trim() === '') return undefined
  const { stages } = readLockFile(await git(mirror, ['show', `${commit}:dvc.lock`]))
  const made = [...stages.values()].flatMap(({ outs }) => outs).find(holds)
  return made?.content === undefined ? undefined : { path: made.path, md5: made.content.md5 }
}

const PROFILE = /\.bin$/i

/** Rows are told apart from profiles by their names. */
async function tableOf(path: string, files: readonly DataFile[]): Promise<NamedTable> {
  const [first] = files
  if (files.length === 1 && first !== undefined && PROFILE.test(first.name)) {
    const { atMs, columns } = whylogsProfileIn(await readFile(first.path))
    const sketches = [...columns].map(([name, { sketch }]) => [name, sketch] as const)
    return { state: 'sketched', atMs, columns: new Map(sketches) }
  }
  const rows = files.filter(({ name }) => isRows(name))
  if (rows.length > 0) return { state: 'rows', files: rows }
  throw new Problem('invalid', `${path} is no Parquet, CSV, JSON or profile of whylogs`)
}

/** What may be over in a while is thrown, and asked for again. */
function isLasting(error: unknown): boolean {
  return error instanceof Problem && error.code !== 'unavailable' && error.code !== 'timeout'
}
