import { hash } from 'node:crypto'
import { statSync, type Stats } from 'node:fs'
import { resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Clock } from '#base/clock'
import { Problem } from '#base/problem'
import type { Content, Measured, TreeEntry } from '#data'
import { inOrders } from './crew/crew.ts'
import { LOOK_NUMBERS, looksAs, noteLook, TICK_MS } from './crew/looking.ts'
import { md5sIn, namesIn, type KeptSight, type Sight } from './hash-cache.ts'
import type { Measuring, SeenFolder, UnknownFile } from './measuring.ts'
import { walked } from './walk.ts'

export { parentOf, type Ignores, type Measuring, type TreeFormat } from './measuring.ts'

/** What is at a path of the project, and how each file of it looks. */
export interface Seen {
  readonly measured: Measured
  readonly sight: Sight
  /** When it was begun to be looked at. */
  readonly atMs: number
  /** The list of a folder's files as the cache keeps it, where it had to be made. */
  readonly list?: string | undefined
}

/** What is at a path of the project, undefined where nothing is. Hashes only what changed since it was last seen. */
export async function lookAt(
  measuring: Measuring,
  path: string,
  as: { legacy: boolean },
): Promise<Seen | undefined> {
  const stats = statOf(resolve(measuring.root, path))
  if (stats === undefined) return undefined
  if (!stats.isFile() && !stats.isDirectory())
    throw new Problem('invalid', `${path} is neither a file nor a folder; only those can be data`)
  const known = measuring.hashes.find(keyOf(path, as))
  const looking = { measuring, path, as, known, atMs: measuring.clock.nowMs() }
  return stats.isFile() ? lookAtFile(looking, stats) : lookAtFolder(looking)
}

/** Under what the hashes of a path are kept: those of DVC 2 are others. */
export function keyOf(path: string, as: { legacy: boolean }): string {
  return path + (as.legacy ? '\0legacy' : '')
}

export function statOf(path: string): Stats | undefined {
  try {
    return statSync(path)
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}

export function isMissing(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException).code
  return code === 'ENOENT' || code === 'ENOTDIR'
}

/** Files looked at between two turns of the event loop, so that a server goes on answering. */
export const FILES_A_TURN = 500

interface Looking {
  readonly measuring: Measuring
  readonly path: string
  readonly as: { readonly legacy: boolean }
  readonly known: KeptSight | undefined
  readonly atMs: number
}

async function lookAtFile(looking: Looking, stats: Stats): Promise<Seen> {
  const { known, as } = looking
  const before = known?.byPath.get('')
  const isKnown =
    known?.list === undefined && before?.count === 1 && looksAs(stats, before.looks, 0)
  const looks = new Float64Array(LOOK_NUMBERS)
  noteLook(stats, looks, 0)
  const folder = { path: '', count: 1, names: new Uint8Array(), looks, digests: new Uint8Array(16) }
  if (!isKnown) {
    const { isSettled } = await hashUnknown(looking, [{ folder, index: 0, name: '' }])
    const sight = { folders: [folder], list: undefined }
    if (isSettled) looking.measuring.hashes.save(keyOf(looking.path, as), sight)
  }
  const sight = { folders: [isKnown ? before : folder], list: undefined }
  const content: Content = {
    md5: md5sIn(isKnown ? before : folder)[0] ?? '',
    sizeBytes: stats.size,
    ...((stats.mode & 0o111) === 0 ? {} : { executable: true }),
    ...(as.legacy ? { legacy: true } : {}),
  }
  return { measured: { content }, sight, atMs: looking.atMs }
}

async function lookAtFolder(looking: Looking): Promise<Seen> {
  const { measuring, path, as, known } = looking
  const seen = await walked(measuring, path, known)
  const { isSettled } = await hashUnknown(looking, seen.unknown)
  const before = seen.isSame && isAsKnown(seen.folders, known) ? known?.list : undefined
  const entries = before === undefined ? entriesOf(seen.folders) : undefined
  const text = entries && measuring.trees.print(entries)
  const list = before ?? `${hash('md5', text ?? '')}.dir`
  const fresh = { folders: seen.folders, list }
  const isKept = seen.isSame && seen.unknown.length === 0 && known?.list === list
  const kept = () => (isSettled ? measuring.hashes.save(keyOf(path, as), fresh) : fresh)
  const sight = isKept ? known : kept()
  const content = { md5: list, sizeBytes: seen.sizeBytes, files: seen.count }
  return {
    measured: measuredAs({ ...content, ...(as.legacy ? { legacy: true } : {}) }, sight, entries),
    sight,
    atMs: looking.atMs,
    list: text,
  }
}

/** Entries are made when somebody asks for them: of a folder that did not change nobody does. */
function measuredAs(
  content: Content,
  sight: Sight,
  made: readonly TreeEntry[] | undefined,
): Measured {
  let entries = made
  return {
    content,
    get entries() {
      entries ??= entriesOf(sight.folders)
      return entries
    },
  }
}

function entriesOf(folders: Sight['folders']): TreeEntry[] {
  const entries: TreeEntry[] = []
  for (const folder of folders) {
    const [names, md5s] = [namesIn(folder), md5sIn(folder)]
    const before = folder.path === '' ? '' : `${folder.path}/`
    for (const [index, name] of names.entries())
      entries.push({ path: before + name, md5: md5s[index] ?? '' })
  }
  return entries
}

/** Whether all hashes are those that were known: a file that was only touched has its old one. */
function isAsKnown(folders: readonly SeenFolder[], known: KeptSight | undefined): boolean {
  return folders.every((folder) => {
    const before = known?.byPath.get(folder.path)
    return (
      before === folder ||
      (before !== undefined && Buffer.compare(before.digests, folder.digests) === 0)
    )
  })
}

const CREW_FROM_FILES = 400
const CREW_FROM_BYTES = 16 << 20

/** So little is hashed again sooner than it is waited for. */
const AGAIN_FILES_MAX = 100
const AGAIN_BYTES_MAX = 1 << 20

/**
 * Hashes files. `isSettled` is false where some are so young that they may still change without looking otherwise:
 * their hashes are true now and must not be remembered.
 */
async function hashUnknown(
  looking: Looking,
  unknown: readonly UnknownFile[],
): Promise<{ isSettled: boolean }> {
  if (unknown.length === 0) return { isSettled: true }
  const { measuring, as } = looking
  const top = resolve(measuring.root, looking.path)
  const sizeBytes = unknown.reduce((sum, file) => sum + numberOf(file, 3), 0)
  const isLittle = unknown.length <= AGAIN_FILES_MAX && sizeBytes <= AGAIN_BYTES_MAX
  const leftMs = untilSettledMs(measuring.clock, unknown)
  if (leftMs > 0 && !isLittle) await sleep(leftMs)
  const { onStep } = measuring
  const step = { what: 'hashed' as const, ofFiles: unknown.length, ofBytes: sizeBytes }
  await inOrders(unknown, {
    trade: 'hash',
    perOrder: Math.min(256, Math.ceil(unknown.length / 16)),
    crewFrom: sizeBytes > CREW_FROM_BYTES ? 0 : CREW_FROM_FILES,
    order: (files) => ({
      legacy: as.legacy,
      paths: files.map(({ folder, name }) => wholePath(top, folder.path, name)),
      looks: looksOf(files),
    }),
    passed: onStep && ((passedBytes) => onStep({ ...step, files: 0, sizeBytes: passedBytes })),
    done: ({ digests, changed, sizeBytes: done }, files, first, toldBytes) => {
      onStep?.({ ...step, files: files.length, sizeBytes: done - toldBytes })
      if (changed[0] !== undefined) throw changedMeanwhile(changed[0])
      for (const [at, { folder, index }] of files.entries())
        folder.digests.set(digests.subarray(at * 16, at * 16 + 16), index * 16)
    },
  })
  return { isSettled: leftMs <= 0 || !isLittle }
}

function wholePath(top: string, folder: string, name: string): string {
  if (name === '') return top
  return folder === '' ? `${top}/${name}` : `${top}/${folder}/${name}`
}

function numberOf({ folder, index }: UnknownFile, number: number): number {
  return folder.looks[index * LOOK_NUMBERS + number] ?? 0
}

function looksOf(files: readonly UnknownFile[]): Float64Array {
  const looks = new Float64Array(files.length * LOOK_NUMBERS)
  for (const [at, { folder, index }] of files.entries())
    looks.set(
      folder.looks.subarray(index * LOOK_NUMBERS, (index + 1) * LOOK_NUMBERS),
      at * LOOK_NUMBERS,
    )
  return looks
}

function untilSettledMs(clock: Clock, files: readonly UnknownFile[]): number {
  const youngest = files.reduce((most, file) => Math.max(most, numberOf(file, 2)), 0)
  return Math.min(TICK_MS, TICK_MS - (clock.nowMs() - youngest))
}

export function changedMeanwhile(path: string): Problem {
  return new Problem(
    'conflict',
    `${path} changed while it was read; try again when nothing writes to it`,
  )
}
