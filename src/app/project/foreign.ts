import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { chmod, copyFile, mkdir, rename, rm, stat } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { basename, dirname, join, resolve } from 'node:path'
import { randomIds } from '#base/ids'
import { Problem } from '#base/problem'
import {
  itemAt,
  namesData,
  type Arrival,
  type DataStep,
  type Source,
  type SourceRequest,
} from '#data'
import { printTree, readTree } from '#protocols/dvc/tree'
import { openObjectFolder, type ObjectFolder } from '#stores/dvc/objects'
import { openAddresses } from './addresses.ts'
import { openSources } from './sources.ts'

interface World {
  readonly variables: Readonly<Record<string, string | undefined>>
  /** Told how far what is taken has come. */
  readonly onStep?: ((step: DataStep) => void) | undefined
}

/** Looks at a repository, or takes from it, outside of any project. What it fetches meanwhile is gone afterwards. */
export async function withSource<T>(
  request: SourceRequest,
  world: World & { readonly passing?: string },
  work: (source: Source, cache: ObjectFolder) => Promise<T>,
): Promise<T> {
  const { variables, onStep, passing = join(tmpdir(), 'orrery-get-') } = world
  return withPassingCache(passing, async (cache, trees) => {
    const open = openSources({
      base: process.cwd(),
      mirrors: join(variables['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'orrery', 'mirrors'),
      cache,
      trees,
      variables,
      onStep,
    })
    const source = await open({ ...request, asItStands: true })
    try {
      return await work(source, cache)
    } finally {
      source.close()
    }
  })
}

async function withPassingCache<T>(
  prefix: string,
  work: (
    cache: ObjectFolder,
    trees: { print: typeof printTree; read: typeof readTree },
  ) => Promise<T>,
): Promise<T> {
  const folder = mkdtempSync(prefix)
  try {
    const trees = { print: printTree, read: readTree }
    return await work(openObjectFolder({ folder, trees }), trees)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

export interface Got {
  readonly path: string
  readonly files: number
  readonly sizeBytes: number
}

/** Copies a file or a folder of a repository to a path. */
export async function getFrom(
  request: SourceRequest & { path: string; out: string; force: boolean },
  world: World,
): Promise<Got> {
  const { path, out, force } = request
  if (namesData(path))
    throw new Problem(
      'invalid',
      `${path} only says what data there is; name the data itself, such as ${path.replace(/\.dvc$/, '')}`,
    )
  await checkFree(out, force)
  return withSource(request, { ...world, passing: beside(out) }, async (source, cache) => {
    const item = await itemAt(source, path)
    if (item === undefined)
      throw new Problem(
        'not-found',
        `${request.url} has no ${path}; \`orrery list ${request.url}\` shows what it has`,
      )
    const arrivals = await source.take(item.files)
    const executable = new Set(
      item.files.filter((file) => file.executable).map((file) => file.path),
    )
    return placed(arrivals, { out, cache, kind: item.kind, executable })
  })
}

/** Copies a file or a folder of this machine, a web server or a remote to a path. */
export async function getAddress(
  request: {
    url: string
    out: string
    force: boolean
    settings: Readonly<Record<string, string>>
  },
  { variables, onStep }: World,
): Promise<Got> {
  await checkFree(request.out, request.force)
  return withPassingCache(beside(request.out), async (cache) => {
    const look = openAddresses({
      root: process.cwd(),
      cache,
      settings: { remotes: new Map(), remoteOptions: new Map() },
      variables,
      onStep,
    }).look
    const offered = await look(request.url, { folder: '', settings: request.settings })
    const arrivals = await offered.take()
    return placed(arrivals, { out: request.out, cache, kind: offered.kind, executable: new Set() })
  })
}

/** Where the bytes of a file or a folder's list lie. */
export async function addressIn(
  request: SourceRequest & { path: string },
  world: World,
): Promise<string> {
  return withSource(request, world, async (source) => {
    const { path } = request
    const outs = await source.outs()
    const whole = outs.find((out) => out.path === path && out.cached)
    if (whole?.content !== undefined) {
      const { md5, legacy = false } = whole.content
      return source.addressOf({ md5, legacy }, whole)
    }
    const [file] = (await itemAt(source, path))?.files.filter((each) => each.path === '') ?? []
    const around = outs.find((out) => out.cached && path.startsWith(`${out.path}/`))
    const entries = around === undefined ? undefined : await source.tree(around)
    const entry = entries?.find((each) => `${around?.path ?? ''}/${each.path}` === path)
    if (around !== undefined && entry !== undefined)
      return source.addressOf({ md5: entry.md5, legacy: around.content?.legacy ?? false }, around)
    throw new Problem(
      file === undefined ? 'not-found' : 'unsupported',
      `${path} is no data of ${request.url}, so it lies in no remote`,
    )
  })
}

async function checkFree(out: string, force: boolean): Promise<void> {
  if (!force && (await stat(out).catch(() => undefined)) !== undefined)
    throw new Problem('exists', `${out} exists already; use --force to replace it`)
}

/** On the disk that it is meant for, so that what arrived need not be copied once more. */
function beside(out: string): string {
  const whole = resolve(out)
  mkdirSync(dirname(whole), { recursive: true })
  return join(dirname(whole), `.${basename(whole)}.orrery-`)
}

/** All is made beside its place and then renamed into it, so that nobody sees half of it. */
async function placed(
  arrivals: readonly Arrival[],
  at: {
    out: string
    cache: ObjectFolder
    kind: 'file' | 'folder'
    executable: ReadonlySet<string>
  },
): Promise<Got> {
  const whole = resolve(at.out)
  const half = join(dirname(whole), `.${basename(whole)}.${randomIds.ulid()}.orrery`)
  try {
    if (at.kind === 'folder') await mkdir(half, { recursive: true })
    const made = new Map<string, string>()
    for (const { path, md5 } of arrivals) {
      const file = path === '' ? half : join(half, path)
      await mkdir(dirname(file), { recursive: true })
      const twin = made.get(md5)
      if (twin === undefined) await rename(at.cache.pathOf({ md5, legacy: false }), file)
      else await copyFile(twin, file)
      made.set(md5, file)
      await chmod(file, at.executable.has(path) ? 0o755 : 0o644)
    }
    await rm(whole, { recursive: true, force: true })
    await rename(half, whole)
  } finally {
    await rm(half, { recursive: true, force: true })
  }
  const sizeBytes = arrivals.reduce((sum, each) => sum + each.sizeBytes, 0)
  return { path: at.out, files: arrivals.length, sizeBytes }
}
