import { lstatSync, mkdirSync, realpathSync, rmdirSync, rmSync } from 'node:fs'
import { chmod, mkdir } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Problem } from '#base/problem'
import {
  isFolder,
  sameContent,
  type Measured,
  type RestoreHow,
  type Restored,
  type Workspace,
} from '#data'
import type { LinkType } from './crew/placing.ts'
import { lookAmong, LOOK_NUMBERS, TICK_MS } from './crew/looking.ts'
import { keep, type Keeping } from './keeping.ts'
import { isMissing, keyOf, lookAt, parentOf, statOf, type Measuring, type Seen } from './measure.ts'
import type { ObjectFolder } from './objects.ts'
import { placeAll, type FileOfCache } from './placed.ts'
import { checkPlaces } from './safe-places.ts'
import { filesOf, sightAfter, type FileAt } from './sights.ts'

export interface WorkspaceOptions extends Measuring {
  readonly cache: ObjectFolder
  /** How files are linked from the cache, the best way first. */
  readonly links: readonly LinkType[]
}

/** The project's folder on this machine's file system. */
export function openWorkspace(options: WorkspaceOptions): Workspace {
  const { root } = options
  // What was measured is often kept next: how each file looked then tells whether it is the same still.
  const sights: Keeping['sights'] = new WeakMap()
  return {
    measure: async (path, as = { legacy: false }) => {
      const seen = await lookAt(options, path, as)
      if (seen !== undefined) sights.set(seen.measured, seen)
      return seen?.measured
    },
    isIgnored: async (path) => isIgnored(options, path),
    exists: async (path) => statOf(resolve(root, path)) !== undefined,
    keep: (path, measured, { noRelink = false } = {}) =>
      keep({ ...options, sights, links: noRelink ? ['copy'] : options.links }, path, measured),
    restore: (path, wanted, how) => restore(options, { path, wanted, ...how }),
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

/** Replaces links into the cache by copies, so that writing to them cannot change an object. */
async function unlink(options: WorkspaceOptions, path: string): Promise<void> {
  const seen = await lookAt(options, path, { legacy: false })
  const files: FileOfCache[] = []
  for (const file of filesOf(path, seen?.measured)) {
    const target = resolve(options.root, file.path)
    const stats = lstatSync(target)
    if (stats.isSymbolicLink() || stats.nlink > 1)
      files.push({ path: file.path, object: realpathSync(target), target, md5: undefined })
  }
  await placeAll(files, { root: options.root, types: ['copy'], executable: false })
}

interface Restoring extends RestoreHow {
  readonly path: string
  readonly wanted: Measured
}

async function restore(options: WorkspaceOptions, restoring: Restoring): Promise<Restored> {
  const { path, wanted, force, relink = false } = restoring
  const seen = await present(options, restoring)
  const before = seen?.measured
  const isSame = sameContent(before?.content, wanted.content)
  if (isSame && !relink) {
    await setExecutable(options, path, wanted)
    return 'unchanged'
  }
  const legacy = wanted.content.legacy ?? false
  const wantedFiles = filesOf(path, wanted)
  const places = wantedFiles.map((file) => file.path)
  checkPlaces(options.root, path, isFolder(wanted.content) ? [`${path}/.`, ...places] : places)
  const now = new Map(filesOf(path, before).map((file) => [file.path, file.md5]))
  const goal = new Map(now.size === 0 ? [] : wantedFiles.map((file) => [file.path, file.md5]))
  const gone = [...now].filter(([file, md5]) => goal.get(file) !== md5)
  if (!force) await checkKept(options, gone, legacy)
  const kindChanges = before !== undefined && isFolder(before.content) !== isFolder(wanted.content)
  if (kindChanges || (before === undefined && statOf(resolve(options.root, path)) !== undefined))
    rmSync(resolve(options.root, path), { recursive: true, force: true })
  else for (const [file] of gone) if (!goal.has(file)) removeFile(options.root, file, path)
  const isAnew = kindChanges || relink
  await placeMissing(options, restoring, {
    wantedFiles,
    now: isAnew ? new Map() : now,
    kept: isAnew ? undefined : seen,
  })
  if (isSame) return 'unchanged'
  return before === undefined ? 'added' : 'modified'
}

/** What is there now. With force, what cannot be measured may be swept away. */
async function present(
  options: WorkspaceOptions,
  { path, wanted, force }: Restoring,
): Promise<Seen | undefined> {
  try {
    return await lookAt(options, path, { legacy: wanted.content.legacy ?? false })
  } catch (error) {
    if (force && error instanceof Problem) return undefined
    throw error
  }
}

async function checkKept(
  options: WorkspaceOptions,
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

async function placeMissing(
  options: WorkspaceOptions,
  { path, wanted, copy }: Restoring,
  files: {
    wantedFiles: readonly FileAt[]
    now: ReadonlyMap<string, string>
    kept: Seen | undefined
  },
): Promise<void> {
  const legacy = wanted.content.legacy ?? false
  const { wantedFiles, now } = files
  const missing = [...wantedFiles.keys()].filter(
    (index) => now.get(wantedFiles[index]?.path ?? '') !== wantedFiles[index]?.md5,
  )
  // An empty folder has no file that would make it.
  if (isFolder(wanted.content) && wantedFiles.length === 0)
    await mkdir(resolve(options.root, path), { recursive: true })
  const root = resolve(options.root)
  const placing = missing.map((index) => {
    const { path: file = '', md5 = '' } = wantedFiles[index] ?? {}
    return {
      path: file,
      object: options.cache.pathOf({ md5, legacy }),
      target: `${root}/${file}`,
      md5: legacy ? undefined : md5,
    }
  })
  const empty = makeFolders(placing.map(({ target }) => parentOf(target)))
  const placed = await placeAll(placing, {
    root,
    empty,
    onStep: options.onStep,
    types: copy === true ? ['copy'] : options.links,
    executable: wanted.content.executable ?? false,
    checked: options.cache.checked,
  })
  // Whoever writes to these files from now on is seen by the clock.
  const isSeen = sleep(missing.length > 0 ? TICK_MS : 0)
  const looks = new Float64Array(wantedFiles.length * LOOK_NUMBERS).fill(Number.NaN)
  for (const [at, index] of missing.entries())
    looks.set(lookAmong(placed, at), index * LOOK_NUMBERS)
  const sight = sightAfter({
    path,
    isFolder: isFolder(wanted.content),
    files: wantedFiles,
    looks,
    kept: files.kept,
  })
  options.hashes.save(keyOf(path, { legacy }), {
    folders: sight,
    list: isFolder(wanted.content) ? wanted.content.md5 : undefined,
  })
  await isSeen
}

/** Gives those that were not there and in which no other folder will be. */
function makeFolders(folders: readonly string[]): Set<string> {
  const all = new Set(folders)
  const above = new Set<string>()
  for (const folder of all)
    for (let each = parentOf(folder); each !== '' && !above.has(each); each = parentOf(each))
      above.add(each)
  const empty = new Set<string>()
  for (const folder of all)
    if (mkdirSync(folder, { recursive: true }) !== undefined && !above.has(folder))
      empty.add(folder)
  return empty
}

async function setExecutable(
  options: WorkspaceOptions,
  path: string,
  wanted: Measured,
): Promise<void> {
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
    } catch (error) {
      if (isMissing(error)) continue
      // Something else lives in it.
      return
    }
  }
}
