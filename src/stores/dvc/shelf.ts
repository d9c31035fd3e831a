import { lstatSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { chmod, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Bag, BagKind, Lying, ObjectName, Shelf, Trash } from '#data'
import { TRUSTED } from './crew/copying.ts'
import { inOrders } from './crew/crew.ts'
import { LOOK_NUMBERS } from './crew/looking.ts'
import { bagName, timeOfBag } from './bags.ts'
import { FILES_A_TURN, isMissing, statOf } from './measure.ts'

/** A folder of objects as DVC lays it out, with everything in it. Its trash is beside them, where DVC does not look. */
export function openFolderShelf(options: { name: string; folder: string }): Shelf {
  const { name, folder } = options
  const whole = (object: ObjectName) => join(folder, placeOf(object))
  return {
    name,
    place: folder,
    trash: openFolderTrash(folder),
    async *objects() {
      let looked = 0
      for (const { path, object } of filesAmong(folder)) {
        if (++looked % FILES_A_TURN === 0) await nextTurn()
        const lying = object === undefined ? undefined : lookAt(join(folder, path), object)
        if (lying !== undefined) yield lying
      }
    },
    look: async (object) => lookAt(whole(object), object),
    wrongAmong: async (objects) => {
      const wrong = await wrongIn(objects, { pathOf: whole, legacy: false })
      // DVC 2 hashed text in another way and did not say which.
      const old = await wrongIn(
        wrong.filter((object) => object.legacy),
        { pathOf: whole, legacy: true },
      )
      return [...wrong.filter((object) => !object.legacy), ...old]
    },
    text: async (object) => {
      try {
        return readFileSync(whole(object), 'utf8')
      } catch (error) {
        if (isMissing(error)) return undefined
        throw error
      }
    },
    strays: async (beforeMs) =>
      [...filesAmong(folder)]
        .filter(
          ({ path, object }) =>
            (object === undefined || lookAt(join(folder, path), object) === undefined) &&
            isOlder(join(folder, path), beforeMs),
        )
        .map(({ path }) => path),
    trust: (object) => chmod(whole(object), TRUSTED),
    remove: (object) => rm(whole(object), { force: true }),
  }
}

/** From so many files on the crew is worth its start. */
const CREW_FROM_FILES = 500

async function wrongIn(
  objects: readonly ObjectName[],
  how: { pathOf: (object: ObjectName) => string; legacy: boolean },
): Promise<ObjectName[]> {
  const wrong: ObjectName[] = []
  await inOrders(objects, {
    trade: 'hash',
    perOrder: 128,
    crewFrom: CREW_FROM_FILES,
    order: (part) => ({
      legacy: how.legacy,
      paths: part.map(how.pathOf),
      // Nobody writes to an object while it is read, so how it looked before does not matter.
      looks: new Float64Array(part.length * LOOK_NUMBERS),
    }),
    done: ({ digests }, part) => {
      for (const [index, object] of part.entries()) {
        const md5 = Buffer.from(digests.subarray(index * 16, index * 16 + 16)).toString('hex')
        if (md5 !== object.md5.slice(0, 32)) wrong.push(object)
      }
    },
  })
  return wrong
}

function placeOf(object: ObjectName): string {
  const path = join(object.md5.slice(0, 2), object.md5.slice(2))
  return object.legacy ? path : join('files', 'md5', path)
}

function lookAt(path: string, object: ObjectName): Lying | undefined {
  const stats = statOf(path)
  if (stats === undefined || !stats.isFile()) return undefined
  const { md5, legacy } = object
  return { md5, legacy, sizeBytes: stats.size, trusted: (stats.mode & 0o777) === TRUSTED }
}

/** Everything in the folders of objects, with the object whose place it is. */
function* filesAmong(folder: string): Generator<{ path: string; object: ObjectName | undefined }> {
  for (const [top, legacy] of [
    [join('files', 'md5'), false],
    ['', true],
  ] as const)
    for (const prefix of namesIn(join(folder, top)).filter((name) => /^[0-9a-f]{2}$/.test(name)))
      for (const rest of namesIn(join(folder, top, prefix))) {
        const isName = /^[0-9a-f]{30}(?:\.dir)?$/.test(rest)
        const object = isName ? { md5: `${prefix}${rest}`, legacy } : undefined
        yield { path: join(top, prefix, rest), object }
      }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).toSorted()
  } catch (error) {
    if (isMissing(error)) return []
    throw error
  }
}

function isOlder(path: string, beforeMs: number): boolean {
  try {
    return lstatSync(path).mtimeMs < beforeMs
  } catch {
    return false
  }
}

const STRAYS = 'strays'
const GONE = '.gone'

/** Everything is renamed, one thing at a time: at every moment an object is in its place or in the bag, whole. */
function openFolderTrash(folder: string): Trash {
  const top = join(folder, 'orrery')
  return {
    bags: async (kind) =>
      namesIn(join(top, kind)).flatMap((name) => {
        const atMs = timeOfBag(name)
        return atMs === undefined ? [] : [bagAt(top, { kind, name, atMs })]
      }),
    open: async (kind, atMs) => {
      const bag = bagName(kind, atMs)
      mkdirSync(join(top, bag), { recursive: true })
      return bag
    },
    put: (bag, object) => moved(join(folder, placeOf(object)), join(top, bag, placeOf(object))),
    putStray: (bag, path) => moved(join(folder, path), join(top, bag, STRAYS, path)),
    bringBack: async (bag) => {
      const total = { objects: 0, bytes: 0 }
      const lying = [...filesAmong(join(top, bag))]
      // A folder's list tells everybody that its files are there, so it comes after them.
      const lists = lying.filter(({ path }) => path.endsWith('.dir'))
      const files = lying.filter(({ path }) => !path.endsWith('.dir'))
      for (const { path } of [...files, ...lists]) {
        const from = join(top, bag, path)
        const bytes = statOf(from)?.size ?? 0
        if (statOf(join(folder, path)) !== undefined) {
          await rm(from, { force: true })
          continue
        }
        await moved(from, join(folder, path))
        total.objects++
        total.bytes += bytes
      }
      if (!namesIn(join(top, bag)).includes(STRAYS)) await emptied(top, bag)
      return total
    },
    empty: (bag) => emptied(top, bag),
  }
}

function bagAt(top: string, bag: { kind: BagKind; name: string; atMs: number }): Bag {
  const id = join(bag.kind, bag.name)
  const sizes = [...filesAmong(join(top, id))].map(({ path }) => statOf(join(top, id, path))?.size)
  return {
    id,
    kind: bag.kind,
    atMs: bag.atMs,
    objects: sizes.length,
    bytes: sizes.reduce((sum: number, size) => sum + (size ?? 0), 0),
  }
}

async function moved(from: string, to: string): Promise<void> {
  mkdirSync(dirname(to), { recursive: true })
  await rename(from, to)
}

/** Renamed first: what is half removed must not look like a bag that can be brought back. */
async function emptied(top: string, bag: string): Promise<void> {
  const kindFolder = join(top, dirname(bag))
  const gone = join(kindFolder, `${basename(bag)}${GONE}`)
  renameSync(join(top, bag), gone)
  for (const name of namesIn(kindFolder))
    if (name.endsWith(GONE)) rmSync(join(kindFolder, name), { recursive: true, force: true })
}
