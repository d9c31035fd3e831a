import { hash as hashOf } from 'node:crypto'
import { existsSync, globSync, mkdirSync, readdirSync, realpathSync, statSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { Problem } from '#base/problem'
import { isFolder, isWithin, type Content, type Out, type Revisions, type Workspace } from '#data'
import type { Found, FoundFile, TableSources } from '#tables'
import { writeWhole } from '#stores/dvc/atomic'
import type { ObjectFolder } from '#stores/dvc/objects'

/** Where the files of tables are looked for; without a project only the folder itself is known. */
export interface SourceGround {
  readonly root: string
  readonly workspace?: Workspace
  readonly cache?: ObjectFolder
  readonly revisions?: Revisions | undefined
  /** Where bytes are put that only Git has. */
  readonly keptFolder?: string
}

/** Tables in the project's folder, and at revisions out of the cache and out of Git. */
export function tableSources(ground: SourceGround): TableSources {
  return {
    find: (path, rev) => (rev === undefined ? foundNow(ground, path) : foundAt(ground, path, rev)),
  }
}

async function foundNow(
  { root, workspace }: SourceGround,
  path: string,
): Promise<Found | undefined> {
  const whole = resolve(root, path)
  if (!existsSync(whole)) return filesLike(root, path)
  if (!statSync(whole).isDirectory()) {
    const measured = await workspace?.measure(path)
    return { kind: 'file', files: [fileAt(whole, basename(whole), measured?.content.md5)] }
  }
  // What keeps a log of its own says in it what it holds: hashing its files would tell nothing more.
  if (workspace === undefined || existsSync(join(whole, '_delta_log')))
    return { kind: 'folder', files: filesBelow(whole) }
  const measured = await workspace.measure(path)
  const entries = measured?.entries ?? []
  return {
    kind: 'folder',
    files: entries.map((entry) => fileAt(join(whole, entry.path), entry.path, entry.md5)),
  }
}

/** A pattern names files of one table as a folder does. */
function filesLike(root: string, pattern: string): Found | undefined {
  if (!/[*?[{]/.test(pattern)) return undefined
  const names = globSync(pattern, { cwd: root }).filter((name) =>
    statSync(resolve(root, name)).isFile(),
  )
  if (names.length === 0) return undefined
  return {
    kind: 'folder',
    files: names.map((name) => fileAt(resolve(root, name), name, undefined)),
  }
}

function fileAt(path: string, name: string, hash: string | undefined): FoundFile {
  // A link into the cache is read at its end, which stays as it is.
  const real = realpathSync(path)
  return { path: real, name, sizeBytes: statSync(real).size, md5: hash }
}

function filesBelow(folder: string): FoundFile[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() || entry.isSymbolicLink())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => existsSync(path) && statSync(path).isFile())
    .map((path) => fileAt(path, path.slice(folder.length + 1), undefined))
}

async function foundAt(
  ground: SourceGround,
  path: string,
  rev: string,
): Promise<Found | undefined> {
  const { revisions } = ground
  if (revisions === undefined)
    throw new Problem('invalid', `there is no Git here, so nothing can be read at ${rev}`)
  try {
    const { commit } = await revisions.resolve(rev)
    const outs = (await revisions.outsAt(commit)).filter(({ cached }) => cached)
    const around = outs.find((out) => isWithin(path, out.path))
    if (around !== undefined)
      return await fromOut(ground, around, path.slice(around.path.length + 1))
    const within = outs.filter((out) => isWithin(out.path, path))
    const files: FoundFile[] = []
    for (const out of within) {
      const name = path === '' ? out.path : out.path.slice(path.length + 1)
      const found = await fromOut(ground, out, '')
      for (const file of found?.files ?? [])
        files.push(
          found?.kind === 'file' ? { ...file, name } : { ...file, name: `${name}/${file.name}` },
        )
    }
    if (within.length > 0) return { kind: 'folder', files }
    return await fromGit(ground, { revisions, commit, path })
  } finally {
    revisions.close()
  }
}

/** What an out held, or a part of it, as it lies in the cache. */
async function fromOut(ground: SourceGround, out: Out, part: string): Promise<Found | undefined> {
  const { cache } = ground
  if (cache === undefined || out.content === undefined) return undefined
  if (!isFolder(out.content))
    return part === ''
      ? { kind: 'file', files: await inCache(cache, out, [[basename(out.path), out.content]]) }
      : undefined
  const entries = await cache.tree(out.content)
  if (entries === undefined) throw notHere(out.path, 'its list of files is')
  const legacy = out.content.legacy ?? false
  const single = entries.find((entry) => entry.path === part)
  const wanted =
    single === undefined ? entries.filter(({ path }) => isWithin(path, part)) : [single]
  if (wanted.length === 0) return undefined
  const named = wanted.map(({ path, md5: hash }): [string, Content] => [
    single === undefined ? path.slice(part === '' ? 0 : part.length + 1) : basename(path),
    { md5: hash, legacy },
  ])
  return { kind: single === undefined ? 'folder' : 'file', files: await inCache(cache, out, named) }
}

async function inCache(
  cache: ObjectFolder,
  out: Out,
  named: readonly [name: string, content: Content][],
): Promise<FoundFile[]> {
  const objects = named.map(([, content]) => ({
    md5: content.md5,
    legacy: content.legacy ?? false,
  }))
  const missing = await cache.missing(objects)
  if (missing.length > 0)
    throw notHere(
      out.path,
      objects.length === 1 ? 'it is' : `${missing.length} of its ${objects.length} files are`,
    )
  return named.map(([name, content], index) =>
    fileAt(cache.pathOf(objects[index] as (typeof objects)[number]), name, content.md5),
  )
}

function notHere(path: string, what: string): Problem {
  return new Problem(
    'not-found',
    `${path} at that revision is not on this machine: ${what} not in the cache; run \`orrery fetch --all-commits ${path}\`, or \`dvc fetch\` at that revision`,
  )
}

/** What Git itself keeps, put aside as files for the engine to read. */
async function fromGit(
  { keptFolder }: SourceGround,
  at: { revisions: Revisions; commit: string; path: string },
): Promise<Found | undefined> {
  const { revisions, commit, path } = at
  if (keptFolder === undefined) return undefined
  const put = (name: string, bytes: Uint8Array): FoundFile => {
    const hash = hashOf('md5', bytes)
    const file = join(keptFolder, hash)
    mkdirSync(keptFolder, { recursive: true })
    if (!existsSync(file)) writeWhole(file, Buffer.from(bytes))
    return { path: file, name, sizeBytes: bytes.length, md5: hash }
  }
  const bytes = await revisions.read(commit, path)
  if (bytes !== undefined) return { kind: 'file', files: [put(basename(path), bytes)] }
  const kept = await revisions.kept(commit, path, { deep: true })
  if (kept === undefined) return undefined
  const files: FoundFile[] = []
  for (const each of kept.filter(({ kind }) => kind === 'file')) {
    const own = await revisions.read(commit, each.path)
    if (own !== undefined)
      files.push(put(path === '' ? each.path : each.path.slice(path.length + 1), own))
  }
  return { kind: 'folder', files }
}
