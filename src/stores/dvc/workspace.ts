import { lstatSync, realpathSync, rmdirSync, rmSync } from 'node:fs'
import { chmod, mkdir } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Problem } from '#base/problem'
import {
  isFolder,
  sameContent,
  type Measured,
  type Restored,
  type TreeEntry,
  type Workspace,
} from '#data'
import { TICK_MS } from './hash-cache.ts'
import { objectPlacer, type LinkType, type PlaceObject } from './links.ts'
import { eachOf, measurePath, parentOf, statOf, type Measuring } from './measure.ts'
import type { ObjectFolder } from './objects.ts'

export interface WorkspaceOptions extends Measuring {
  readonly cache: ObjectFolder
  /** How files are linked from the cache, the best way first. */
  readonly links: readonly LinkType[]
}

interface Opened extends WorkspaceOptions {
  readonly place: PlaceObject
  readonly placeCopy: PlaceObject
}

/** The project's folder on this machine's file system. */
export function openWorkspace(settings: WorkspaceOptions): Workspace {
  const { root, hashes } = settings
  const options: Opened = {
    ...settings,
    place: objectPlacer(settings.links),
    placeCopy: objectPlacer(['copy']),
  }
  const measure = async (path: string, as: { legacy: boolean } = { legacy: false }) => {
    const measured = await measurePath(options, path, as)
    hashes.save()
    return measured
  }
  return {
    measure,
    isIgnored: async (path) => isIgnored(options, path),
    exists: async (path) => statOf(resolve(root, path)) !== undefined,
    keep: (path, measured) => keep(options, path, measured),
    restore: async (path, wanted, how) => {
      const result = await restore(options, { path, wanted, ...how })
      hashes.save()
      return result
    },
    unlink: (path) => unlink(options, path),
  }
}

/** A rule may name the path itself, or a folder that it lies in. */
function isIgnored({ rulesIn, root }: WorkspaceOptions, path: string): boolean {
  const parts = path.split('/')
  return parts.some((_, index) => {
    const here = parts.slice(0, index + 1).join('/')
    const folder = index < parts.length - 1 || statOf(resolve(root, path))?.isDirectory() === true
    return rulesIn(parentOf(here))(here, folder ? 'folder' : 'file')
  })
}

async function keep(options: Opened, path: string, measured: Measured): Promise<void> {
  const { cache } = options
  const legacy = measured.content.legacy ?? false
  const files = filesOf(path, measured)
  const missing = new Set(
    (await cache.missing(files.map(({ md5 }) => ({ md5, legacy })))).map(({ md5 }) => md5),
  )
  const wanted = [...new Map(files.map((file) => [file.md5, file])).values()].filter(({ md5 }) =>
    missing.has(md5),
  )
  await eachOf(wanted, async (file) => {
    const source = resolve(options.root, file.path)
    await cache.take(source, { md5: file.md5, legacy })
  })
  await checkUnchanged(options, path, measured)
  if (measured.entries !== undefined) await cache.keepTree(measured.entries)
  await relink(options, path, measured)
}

/** What was copied is what was measured only if nothing changed meanwhile; a wrong object must not stay. */
async function checkUnchanged(options: Opened, path: string, measured: Measured): Promise<void> {
  const legacy = measured.content.legacy ?? false
  const after = await measurePath(options, path, { legacy })
  if (sameContent(after?.content, measured.content)) return
  const now = new Map(filesOf(path, after).map((file) => [file.path, file.md5]))
  for (const file of filesOf(path, measured))
    if (now.get(file.path) !== file.md5)
      rmSync(options.cache.pathOf({ md5: file.md5, legacy }), { force: true })
  throw new Problem(
    'conflict',
    `${path} changed while it was read; try again when nothing writes to it`,
  )
}

function filesOf(path: string, measured: Measured | undefined): TreeEntry[] {
  if (measured === undefined) return []
  if (measured.entries === undefined) return [{ path, md5: measured.content.md5 }]
  return measured.entries.map((entry) => ({ path: `${path}/${entry.path}`, md5: entry.md5 }))
}

/** Where the project wants hard or symbolic links, what was added becomes links as well. */
async function relink(options: Opened, path: string, measured: Measured): Promise<void> {
  const first = options.links[0]
  if (first !== 'hardlink' && first !== 'symlink') return
  const legacy = measured.content.legacy ?? false
  await eachOf(filesOf(path, measured), (file) =>
    options.place(
      options.cache.pathOf({ md5: file.md5, legacy }),
      resolve(options.root, file.path),
      {},
    ),
  )
}

/** Replaces links into the cache by copies, so that writing to them cannot change an object. */
async function unlink(options: Opened, path: string): Promise<void> {
  const measured = await measurePath(options, path, { legacy: false })
  await eachOf(filesOf(path, measured), async ({ path: file }) => {
    const target = resolve(options.root, file)
    const stats = lstatSync(target)
    if (!stats.isSymbolicLink() && stats.nlink === 1) return
    await options.placeCopy(realpathSync(target), target, {})
  })
}

interface Restoring {
  readonly path: string
  readonly wanted: Measured
  readonly force: boolean
  readonly copy?: boolean
}

async function restore(options: Opened, restoring: Restoring): Promise<Restored> {
  const { path, wanted, force } = restoring
  const legacy = wanted.content.legacy ?? false
  const before = await present(options, restoring)
  if (sameContent(before?.content, wanted.content)) {
    await setExecutable(options, path, wanted)
    return 'unchanged'
  }
  const goal = new Map(filesOf(path, wanted).map((file) => [file.path, file.md5]))
  const now = new Map(filesOf(path, before).map((file) => [file.path, file.md5]))
  const gone = [...now].filter(([file, md5]) => goal.get(file) !== md5)
  if (!force) await checkKept(options, gone, legacy)
  const kindChanges =
    before !== undefined && (before.entries === undefined) !== (wanted.entries === undefined)
  if (kindChanges || (before === undefined && statOf(resolve(options.root, path)) !== undefined))
    rmSync(resolve(options.root, path), { recursive: true, force: true })
  else for (const [file] of gone) if (!goal.has(file)) removeFile(options.root, file, path)
  await placeAll(
    options,
    restoring,
    [...goal].filter(([file, md5]) => now.get(file) !== md5),
  )
  return before === undefined ? 'added' : 'modified'
}

/** What is there now. With force, what cannot be measured may be swept away. */
async function present(
  options: Opened,
  { path, wanted, force }: Restoring,
): Promise<Measured | undefined> {
  try {
    return await measurePath(options, path, { legacy: wanted.content.legacy ?? false })
  } catch (error) {
    if (force && error instanceof Problem) return undefined
    throw error
  }
}

async function checkKept(
  options: Opened,
  files: readonly (readonly [string, string])[],
  legacy: boolean,
): Promise<void> {
  const missing = await options.cache.missing(files.map(([, md5]) => ({ md5, legacy })))
  if (missing.length === 0) return
  const lost = new Set(missing.map(({ md5 }) => md5))
  const paths = files.filter(([, md5]) => lost.has(md5)).map(([file]) => file)
  const shown = paths.slice(0, 5).join(', ')
  throw new Problem(
    'conflict',
    `${shown}${paths.length > 5 ? ` and ${paths.length - 5} more` : ''} would be overwritten and ${paths.length === 1 ? 'is' : 'are'} kept nowhere else; add it first, or use --force to lose it`,
    { paths },
  )
}

async function placeAll(
  options: Opened,
  { path, wanted, copy }: Restoring,
  files: readonly (readonly [string, string])[],
): Promise<void> {
  const legacy = wanted.content.legacy ?? false
  const hashes = options.hashes.of(path + (legacy ? '\0legacy' : ''))
  await eachOf(files, async ([file, md5]) => {
    const target = resolve(options.root, file)
    const place = copy === true ? options.placeCopy : options.place
    await place(options.cache.pathOf({ md5, legacy }), target, {
      executable: wanted.content.executable ?? false,
      ...(legacy ? {} : { md5 }),
    })
    const stats = statOf(target)
    if (stats !== undefined)
      hashes.remember(file === path ? '' : file.slice(path.length + 1), stats, md5)
  })
  // An empty folder has no file that would make it.
  if (isFolder(wanted.content) && files.length === 0)
    await mkdir(resolve(options.root, path), { recursive: true })
  // Whoever writes to these files from now on is seen by the clock.
  if (files.length > 0) await sleep(TICK_MS)
}

async function setExecutable(options: Opened, path: string, wanted: Measured): Promise<void> {
  if (wanted.content.executable !== true) return
  const stats = statOf(resolve(options.root, path))
  if (stats !== undefined && (stats.mode & 0o100) === 0)
    await chmod(resolve(options.root, path), stats.mode | 0o100)
}

/** Removes a file, and the folders that it leaves empty below `top`. */
function removeFile(root: string, file: string, top: string): void {
  rmSync(join(root, file), { force: true })
  for (
    let folder = dirname(file);
    folder !== top && folder.startsWith(`${top}/`);
    folder = dirname(folder)
  ) {
    try {
      rmdirSync(join(root, folder))
    } catch {
      // Something else lives in it.
      return
    }
  }
}
