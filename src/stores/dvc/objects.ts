import { hash } from 'node:crypto'
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { systemClock, type Clock } from '#base/clock'
import { digestFile } from '#base/digest'
import { Problem } from '#base/problem'
import { isFolder, type Cache, type Content, type ObjectName, type TreeEntry } from '#data'
import { replaceFile } from './atomic.ts'
import { openChecked, type CheckedObjects } from './checked.ts'
import { TRUSTED } from './crew/copying.ts'
import { putDamagedAside } from './damaged.ts'
import { putWhole } from './incoming.ts'
import { FILES_A_TURN, statOf, type TreeFormat } from './measure.ts'
import { openStock, type Stock } from './stock.ts'
import { takeAll, type FileToTake, type Taken, type Taking } from './taking.ts'

/**
 * A folder of objects as DVC keeps them: `files/md5/ab/cdef…`, and `ab/cdef…` for those of DVC 2.
 * The mode 0444 says that an object was checked when it was put there; any other is checked again.
 */
export interface ObjectFolder extends Cache {
  pathOf(object: ObjectName): string
  /** Puts files here under the names that their bytes have; those that have others stay out. */
  takeAll(files: readonly FileToTake[], how: Taking): Promise<Taken>
  /** `text` is the list where it has been made already. */
  keepTree(entries: readonly TreeEntry[], text?: string): Promise<string>
  /** Told of objects that somebody else has put here, checked and with the mode that says so. */
  learn(objects: readonly ObjectName[]): void
  /** Undefined where nothing is remembered. */
  readonly checked: CheckedObjects | undefined
  /** Drops what is remembered of objects that are here no more. */
  forgetGone(): Promise<void>
}

export interface ObjectFolderOptions {
  readonly folder: string
  readonly trees: TreeFormat
  /** Group members may add objects. */
  readonly shared?: boolean
  /** A folder for what may be lost: what this folder of objects held when it was last looked at. */
  readonly notes?: string
  readonly clock?: Clock
}

/** Fewer are looked at one by one. */
const LISTED_FROM = 300

export function openObjectFolder(options: ObjectFolderOptions): ObjectFolder {
  const { folder, trees, notes, clock = systemClock } = options
  const stockOf = stocksOf({ folder, notes, clock })
  const pathOf = (object: ObjectName) => pathIn(folder, object)
  const isThere = (object: ObjectName) =>
    isWhole(pathOf(object), object, (path) => putDamagedAside(path, clock.nowMs()))
  const tree = async (content: Content) => {
    const object = { md5: content.md5, legacy: content.legacy ?? false }
    if (!(await isThere(object))) return undefined
    const text = readFileSync(pathOf(object), 'utf8')
    const entries = trees.read(text)
    if (entries === undefined)
      throw new Problem(
        'invalid',
        `the folder's list ${pathOf(object)} ${trees.fault?.(text) ?? 'is none'}; nothing was taken from it, and \`orrery fsck\` tells who needs it`,
      )
    return entries
  }
  const missing = async (objects: readonly ObjectName[]) => {
    const many = objects.length >= LISTED_FROM
    return many ? missingAmong(objects, stockOf, isThere) : missingOf(objects, isThere)
  }
  const learn = (objects: readonly ObjectName[]) => {
    if (notes === undefined || objects.length < LISTED_FROM) return
    const files = objects.filter(({ md5 }) => !md5.endsWith('.dir'))
    for (const [legacy, some] of Map.groupBy(files, (object) => object.legacy))
      stockOf(legacy).learn(some.map(({ md5 }) => md5))
  }
  const checked = notes === undefined ? undefined : openChecked(join(notes, 'checked'))
  return {
    pathOf,
    missing,
    tree,
    learn,
    checked,
    forgetGone: () => forgetGone({ checked, notes, missing }),
    holds: async (content) => {
      const object = { md5: content.md5, legacy: content.legacy ?? false }
      if (!(await isThere(object))) return false
      if (!isFolder(content)) return true
      const packed = notes === undefined ? undefined : readMembers(notes, content)
      if (packed !== undefined && (await stockOf(object.legacy).hasAll(packed))) return true
      const entries = await tree(content)
      if (entries === undefined) return false
      if (notes !== undefined && packed === undefined) noteMembers(notes, content, entries)
      return (
        (await missing(entries.map(({ md5 }) => ({ md5, legacy: object.legacy })))).length === 0
      )
    },
    keepTree: async (entries, text = trees.print(entries)) => {
      const md5 = `${hash('md5', text)}.dir`
      const path = pathOf({ md5, legacy: false })
      if (await isThere({ md5, legacy: false })) return md5
      makeFolderOf(path, options)
      putWhole(folder, path, { content: text, mode: 0o666 })
      protect(path)
      if (notes !== undefined) noteMembers(notes, { md5 }, entries)
      return md5
    },
    takeAll: async (files, how) => {
      const places = { folder, pathOf, makeFolderOf: (path: string) => makeFolderOf(path, options) }
      const taken = await takeAll(files, how, places)
      const without = new Set(taken.faults.map(({ index }) => index))
      learn(files.filter((_, index) => !without.has(index)).map(({ object }) => object))
      return taken
    },
  }
}

async function forgetGone({
  checked,
  notes,
  missing,
}: Pick<ObjectFolder, 'checked' | 'missing'> & { notes: string | undefined }): Promise<void> {
  if (checked === undefined || notes === undefined) return
  const gone = await missing(checked.names().map(named))
  checked.forget(new Set(gone.map(({ md5 }) => md5)))
  for (const list of await missing(notedLists(notes).map(named)))
    rmSync(membersFile(notes, list), { force: true })
}

const named = (md5: string): ObjectName => ({ md5, legacy: false })

/** One for the objects of DVC 2, and one for all others. */
function stocksOf(options: {
  folder: string
  notes: string | undefined
  clock: Clock
}): (legacy: boolean) => Stock {
  const { folder, notes, clock } = options
  const stocks = new Map<boolean, Stock>()
  return (legacy) => {
    const known = stocks.get(legacy)
    if (known !== undefined) return known
    const stock = openStock({
      folder: legacy ? folder : join(folder, 'files', 'md5'),
      notes: notes === undefined ? undefined : join(notes, legacy ? 'stock-2' : 'stock'),
      clock,
    })
    stocks.set(legacy, stock)
    return stock
  }
}

function pathIn(folder: string, { md5, legacy }: ObjectName): string {
  const place = `${md5.slice(0, 2)}/${md5.slice(2)}`
  return legacy ? `${folder}/${place}` : `${folder}/files/md5/${place}`
}

function makeFolderOf(path: string, { shared }: ObjectFolderOptions): void {
  mkdirSync(dirname(path), { recursive: true, mode: shared === true ? 0o2775 : 0o777 })
}

async function missingOf(
  objects: readonly ObjectName[],
  isThere: (object: ObjectName) => Promise<boolean>,
): Promise<ObjectName[]> {
  const missing: ObjectName[] = []
  for (const [index, object] of objects.entries()) {
    if (index % FILES_A_TURN === FILES_A_TURN - 1) await nextTurn()
    if (!(await isThere(object))) missing.push(object)
  }
  return missing
}

async function missingAmong(
  objects: readonly ObjectName[],
  stockOf: (legacy: boolean) => Stock,
  isThere: (object: ObjectName) => Promise<boolean>,
): Promise<ObjectName[]> {
  const missing: ObjectName[] = []
  for (const legacy of [false, true]) {
    const some = objects.filter((each) => each.legacy === legacy)
    // Lists of folders are few, and are read soon: they are looked at themselves.
    const lists = some.filter(({ md5 }) => md5.endsWith('.dir'))
    missing.push(...(await missingOf(lists, isThere)))
    const names = some.filter(({ md5 }) => !md5.endsWith('.dir'))
    if (names.length === 0) continue
    const found = await stockOf(legacy).lookFor(names.map(({ md5 }) => md5))
    const doubtful = found.doubtful.map((md5) => ({ md5, legacy }))
    // One by one: what is missing may be more than a call takes as arguments.
    for (const md5 of found.missing) missing.push({ md5, legacy })
    for (const object of await missingOf(doubtful, isThere)) missing.push(object)
  }
  return missing
}

/** Whether an object is there and has the bytes of its name. One that has not is put aside; DVC removes it. */
async function isWhole(
  path: string,
  object: ObjectName,
  putAside: (path: string) => void,
): Promise<boolean> {
  const stats = statOf(path)
  if (stats === undefined || !stats.isFile()) return false
  if ((stats.mode & 0o777) === TRUSTED) return true
  // DVC 2 hashed text in another way and did not say which; its objects are taken as they are.
  if (!object.legacy && (await digestFile(path, 'md5')) !== object.md5.replace(/\.dir$/, '')) {
    putAside(path)
    return false
  }
  protect(path)
  return true
}

function protect(path: string): void {
  try {
    chmodSync(path, TRUSTED)
  } catch {
    // Another owner's object in a shared cache, or a file system without modes: it is checked each time.
  }
}

/** A list of fewer files is read in no time. */
const NOTED_FILES_MIN = 1000

/** The files' hashes alone, in order: a tenth of the list's text, and nothing to parse. */
function noteMembers(notes: string, content: Content, entries: readonly TreeEntry[]): void {
  if (entries.length < NOTED_FILES_MIN) return
  const sorted = [...new Set(entries.map(({ md5 }) => md5))].toSorted()
  const body = Buffer.from(sorted.join(''), 'hex')
  const check = Buffer.from(hash('md5', body), 'hex')
  const file = membersFile(notes, content)
  mkdirSync(dirname(file), { recursive: true })
  replaceFile(file, Buffer.concat([check, body]))
}

function notedLists(notes: string): string[] {
  const folder = join(notes, 'members')
  return existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.dir')) : []
}

function readMembers(notes: string, content: Content): Uint8Array | undefined {
  try {
    const bytes = readFileSync(membersFile(notes, content))
    const body = bytes.subarray(16)
    return hash('md5', body) === bytes.toString('hex', 0, 16) ? body : undefined
  } catch {
    return undefined
  }
}

function membersFile(notes: string, { md5 }: Content): string {
  return join(notes, 'members', md5)
}
