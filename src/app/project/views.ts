import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { Problem } from '#base/problem'
import { isWithin, type Catalog, type ObjectName, type Out } from '#data'
import type { Declared, LoadedPipelines, ProjectView } from '#stages'
import { readParamsFile } from '#protocols/dvc/params-file'
import { readDeclared, type PipelineSources } from '#protocols/dvc/pipeline-file'
import type { CommandStyle } from '#protocols/dvc/template'
import type { ObjectFolder } from '#stores/dvc/objects'
import type { ProjectRevisions } from './revisions.ts'
import { outsOf } from './walk.ts'

export interface ViewsGround {
  readonly root: string
  readonly catalog: Catalog & { load(): Promise<LoadedPipelines> }
  readonly cache: ObjectFolder
  readonly revisions: ProjectRevisions | undefined
  readonly commandStyle: CommandStyle
}

/** The project as it stands in its folder and at its commits. */
export interface ProjectViews {
  readonly workspace: ProjectView
  /** The view that a word names: `workspace`, or a revision. Throws `not-found`. */
  at(word: string): Promise<ProjectView>
  /** A view of each commit that is meant, by the names that it is known by. */
  all(how: { branches?: boolean; tags?: boolean; commits?: boolean }): Promise<ProjectView[]>
  /** False in a repository that nobody has committed to. */
  hasCommits(): Promise<boolean>
  /** The branch that is checked out. */
  branch(): Promise<string | null>
}

export function openViews(
  ground: ViewsGround,
  versionState: () => Promise<{ commit: string | null; branch: string | null }>,
): ProjectViews {
  const { root, revisions } = ground
  const workspace = viewOf('workspace', ground, {
    load: () => ground.catalog.load(),
    read: async (path) => {
      const isFile = statSync(join(root, path), { throwIfNoEntry: false })?.isFile() === true
      return isFile ? readFileSync(join(root, path)) : undefined
    },
    filesIn: async (folder) => {
      const isFolder = statSync(join(root, folder), { throwIfNoEntry: false })?.isDirectory()
      return isFolder === true ? filesBelow(root, folder) : undefined
    },
  })
  const history = () => {
    if (revisions !== undefined) return revisions
    throw new Problem(
      'invalid',
      'this project has no Git repository, so there is nothing to compare with; run `git init` and commit',
    )
  }
  const atCommit = (name: string, commit: string) =>
    viewOf(name, ground, {
      load: async () => (await history().load(commit)) ?? NOTHING,
      read: (path) => history().read(commit, path),
      filesIn: async (folder) => {
        const kept = await history().kept(commit, folder, { deep: true })
        return kept?.filter(({ kind }) => kind === 'file').map(({ path }) => path)
      },
    })
  return {
    workspace,
    at: async (word) =>
      word === 'workspace' ? workspace : atCommit(word, (await history().resolve(word)).commit),
    all: async (how) =>
      (await history().all(how)).map(({ commit, names }) => atCommit(names.join(','), commit)),
    hasCommits: async () => (await versionState()).commit !== null,
    branch: async () => (await versionState()).branch,
  }
}

const NOTHING: LoadedPipelines = { stages: [], locks: new Map(), tracked: [], problems: [] }

type Reads = Pick<ProjectView, 'load' | 'read' | 'filesIn'>

/** What version control, or the folder, does not have is looked for among the objects of the outs. */
function viewOf(name: string, { cache, commandStyle }: ViewsGround, plain: Reads): ProjectView {
  const load = once(async () => {
    const loaded = await plain.load()
    const [broken] = loaded.problems
    if (broken !== undefined)
      throw new Problem('invalid', `${broken.file} of ${name}: ${broken.message}`)
    return loaded
  })
  const outs = async () => outsOf(await load())
  const read = async (path: string) => {
    const bytes = await plain.read(path)
    if (bytes !== undefined) return bytes
    const object = await objectAt(await outs(), path, cache)
    return object === undefined ? undefined : readFileSync(cache.pathOf(object))
  }
  return {
    name,
    load,
    read,
    filesIn: async (folder) =>
      (await plain.filesIn(folder)) ?? filesOfOut(await outs(), folder, cache),
    values: async (path) => {
      const bytes = await read(path)
      if (bytes === undefined) return undefined
      const { value, problems } = readParamsFile(path, Buffer.from(bytes).toString('utf8'))
      if (problems.length > 0) throw new Problem('invalid', `${path}: ${problems.join('; ')}`)
      return value
    },
    declared: once(async () => declaredIn(await load(), { read, commandStyle })),
  }
}

async function declaredIn(
  { pipelineFiles = [] }: LoadedPipelines,
  { read, commandStyle }: { read: ProjectView['read']; commandStyle: CommandStyle },
): Promise<Declared> {
  const all: Declared[] = []
  for (const file of pipelineFiles) {
    const text = textOf(await read(file)) ?? ''
    // What templates name is read ahead, as far as it is needed.
    const texts = new Map<string, string | undefined>()
    for (let missing: string | undefined = ''; missing !== undefined;) {
      missing = undefined
      const sources: PipelineSources = {
        style: commandStyle,
        load: (path) => {
          if (!texts.has(path)) missing = path
          const known = texts.get(path)
          return known === undefined ? undefined : readParamsFile(path, known)
        },
      }
      const declared = attempt(() => readDeclared(file, text, sources))
      if (missing !== undefined) texts.set(missing, textOf(await read(missing)))
      else if (declared !== undefined) all.push(declared)
    }
  }
  return {
    metrics: all.flatMap(({ metrics }) => metrics),
    params: all.flatMap(({ params }) => params),
    plots: all.flatMap(({ plots }) => plots),
  }
}

/** A template that cannot be filled in yet, because a file is still to be read, fills nothing. */
function attempt<T>(work: () => T): T | undefined {
  try {
    return work()
  } catch {
    return undefined
  }
}

function textOf(bytes: Uint8Array | undefined): string | undefined {
  return bytes === undefined ? undefined : Buffer.from(bytes).toString('utf8')
}

async function objectAt(
  outs: readonly Out[],
  path: string,
  cache: ObjectFolder,
): Promise<ObjectName | undefined> {
  for (const out of outs) {
    if (out.content === undefined || !isWithin(path, out.path)) continue
    const legacy = out.content.legacy ?? false
    const md5 =
      path === out.path
        ? out.content.md5
        : (out.files ?? (await cache.tree(out.content)))?.find(
            (entry) => `${out.path}/${entry.path}` === path,
          )?.md5
    if (md5 === undefined || md5.endsWith('.dir')) continue
    const missing = await cache.missing([{ md5, legacy }])
    if (missing.length === 0) return { md5, legacy }
  }
  return undefined
}

async function filesOfOut(
  outs: readonly Out[],
  folder: string,
  cache: ObjectFolder,
): Promise<string[] | undefined> {
  for (const out of outs) {
    if (out.content === undefined || !isWithin(folder, out.path)) continue
    if (!out.content.md5.endsWith('.dir')) continue
    const files = (out.files ?? (await cache.tree(out.content)))
      ?.map((entry) => `${out.path}/${entry.path}`)
      .filter((path) => isWithin(path, folder))
    if (files !== undefined && files.length > 0 && !files.includes(folder)) return files
  }
  return undefined
}

function filesBelow(root: string, folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true })
    .toSorted((one, other) => (one.name < other.name ? -1 : 1))
    .flatMap((entry) => {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`
      return entry.isDirectory() ? filesBelow(root, path) : [path]
    })
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined
  return () => (made ??= make())
}
