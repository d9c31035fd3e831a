import { createHash, hash } from 'node:crypto'
import {
  createReadStream,
  readdirSync,
  readFileSync,
  statSync,
  type Dirent,
  type Stats,
} from 'node:fs'
import { resolve } from 'node:path'
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'
import type { Clock } from '#base/clock'
import { Problem } from '#base/problem'
import type { Measured, TreeEntry } from '#data'
import { TICK_MS, type HashCache, type PathHashes } from './hash-cache.ts'
import { legacyHash } from './legacy-hash.ts'

/** How the list of a folder is written, which is what its hash is taken of. */
export interface TreeFormat {
  print(entries: readonly TreeEntry[]): string
  /** Undefined for a text that is no such list. */
  read(text: string): TreeEntry[] | undefined
}

export type Ignores = (path: string, kind: 'file' | 'folder') => boolean

export interface Measuring {
  readonly root: string
  readonly hashes: HashCache
  readonly trees: TreeFormat
  readonly clock: Clock
  /** The project's ignore rules as they hold for what lies in a folder. */
  readonly rulesIn: (folder: string) => Ignores
}

/** What is at a path of the project, undefined where nothing is. Hashes only what changed since it was last seen. */
export async function measurePath(
  measuring: Measuring,
  path: string,
  as: { legacy: boolean },
): Promise<Measured | undefined> {
  const stats = statOf(resolve(measuring.root, path))
  if (stats === undefined) return undefined
  if (stats.isDirectory()) return measureFolder(measuring, path, as)
  if (!stats.isFile())
    throw new Problem('invalid', `${path} is neither a file nor a folder; only those can be data`)
  const hashes = measuring.hashes.of(path + (as.legacy ? '\0legacy' : ''))
  const md5 = (
    await hashesOf(
      measuring,
      hashes,
      [{ name: '', path: resolve(measuring.root, path), stats }],
      as,
    )
  ).get('')
  return {
    content: {
      md5: md5 ?? '',
      sizeBytes: stats.size,
      ...(isExecutable(stats) ? { executable: true } : {}),
      ...(as.legacy ? { legacy: true } : {}),
    },
  }
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

interface FileSeen {
  readonly name: string
  readonly path: string
  readonly stats: Stats
}

async function measureFolder(
  measuring: Measuring,
  path: string,
  as: { legacy: boolean },
): Promise<Measured> {
  const files = await filesIn(measuring, path)
  const hashes = measuring.hashes.of(path + (as.legacy ? '\0legacy' : ''))
  const md5s = await hashesOf(measuring, hashes, files, as)
  const entries = files.map(({ name }) => ({ path: name, md5: md5s.get(name) ?? '' }))
  const names = files.map(({ name }) => name)
  let md5 = hashes.list(names)?.md5
  if (md5 === undefined) {
    md5 = `${hash('md5', measuring.trees.print(entries))}.dir`
    hashes.rememberList(names, md5)
  }
  const sizeBytes = files.reduce((sum, { stats }) => sum + stats.size, 0)
  const content = { md5, sizeBytes, files: files.length, ...(as.legacy ? { legacy: true } : {}) }
  return { content, entries }
}

async function filesIn(measuring: Measuring, top: string): Promise<FileSeen[]> {
  const found: FileSeen[] = []
  const folders = ['']
  // No deeper rules: a file of them inside data is refused below.
  const ignores = measuring.rulesIn(parentOf(top))
  let looked = 0
  for (let folder = folders.shift(); folder !== undefined; folder = folders.shift()) {
    const here = folder === '' ? top : `${top}/${folder}`
    for (const entry of readdirSync(resolve(measuring.root, here), { withFileTypes: true })) {
      const name = folder === '' ? entry.name : `${folder}/${entry.name}`
      if (++looked % FILES_A_TURN === 0) await nextTurn()
      const kind = entry.isDirectory() ? 'folder' : 'file'
      if (ignores(`${top}/${name}`, kind)) continue
      if (entry.isDirectory()) folders.push(name)
      else found.push(...fileAt(measuring.root, { top, name, entry }))
    }
  }
  return found
}

/** The file at a folder's entry; links to folders are passed over, as DVC does. */
function fileAt(root: string, at: { top: string; name: string; entry: Dirent }): FileSeen[] {
  const whole = `${at.top}/${at.name}`
  if (at.entry.name === '.dvcignore')
    throw new Problem(
      'invalid',
      `${whole}: a .dvcignore cannot lie inside data; move its rules to a folder above ${at.top}`,
    )
  if (at.name.includes('\ufffd'))
    throw new Problem('unsupported', `${whole}: the name is not UTF-8; rename the file`)
  const path = resolve(root, whole)
  const stats = statOf(path)
  if (stats === undefined)
    throw new Problem('invalid', `${whole} is a link to nothing; remove it or mend it`)
  if (stats.isDirectory()) return []
  if (!stats.isFile())
    throw new Problem('invalid', `${whole} is neither a file nor a folder; move it out of the data`)
  return [{ name: at.name, path, stats }]
}

async function hashesOf(
  measuring: Measuring,
  hashes: PathHashes,
  files: readonly FileSeen[],
  as: { legacy: boolean },
): Promise<Map<string, string>> {
  const md5s = new Map<string, string>()
  const unknown: FileSeen[] = []
  for (const file of files) {
    const md5 = hashes.find(file.name, file.stats)
    if (md5 === undefined) unknown.push(file)
    else md5s.set(file.name, md5)
  }
  if (unknown.length === 0) return md5s
  await waitUntilSettled(measuring.clock, unknown)
  const take = async (file: FileSeen) => {
    const md5 = await hashOf(file, as)
    hashes.remember(file.name, file.stats, md5)
    md5s.set(file.name, md5)
  }
  await eachOf(unknown, take)
  return md5s
}

/** Runs `work` on all, a few at a time. */
export async function eachOf<T>(
  items: readonly T[],
  work: (item: T) => Promise<void>,
): Promise<void> {
  const AT_ONCE = 4
  let next = 0
  const worker = async () => {
    for (let item = items[next++]; item !== undefined; item = items[next++]) {
      await work(item)
      if (next % FILES_A_TURN === 0) await nextTurn()
    }
  }
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, items.length) }, worker))
}

async function waitUntilSettled(clock: Clock, files: readonly FileSeen[]): Promise<void> {
  const youngest = Math.max(...files.slice(0, 10_000).map(({ stats }) => stats.ctimeMs))
  const age = clock.nowMs() - youngest
  if (age < TICK_MS) await sleep(Math.min(TICK_MS, TICK_MS - age))
}

const READ_AT_ONCE_BYTES = 1 << 18

async function hashOf(file: FileSeen, as: { legacy: boolean }): Promise<string> {
  const md5 = as.legacy ? await legacyHash(file.path) : await md5Of(file)
  const after = statOf(file.path)
  const same =
    after !== undefined &&
    after.size === file.stats.size &&
    after.ctimeMs === file.stats.ctimeMs &&
    after.ino === file.stats.ino
  if (!same)
    throw new Problem(
      'conflict',
      `${file.path} changed while it was read; try again when nothing writes to it`,
    )
  return md5
}

async function md5Of({ path, stats }: FileSeen): Promise<string> {
  if (stats.size <= READ_AT_ONCE_BYTES) {
    return hash('md5', readFileSync(path))
  }
  const digest = createHash('md5')
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 }))
    digest.update(chunk as Buffer)
  return digest.digest('hex')
}

function isExecutable(stats: Stats): boolean {
  return (stats.mode & 0o111) !== 0
}

export function parentOf(path: string): string {
  return path.includes('/') ? path.slice(0, path.lastIndexOf('/')) : ''
}
