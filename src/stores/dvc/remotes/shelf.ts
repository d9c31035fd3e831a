import { createHash } from 'node:crypto'
import { messageOf, Problem } from '#base/problem'
import type { Bag, BagKind, Lying, ObjectName, Shelf, Trash } from '#data'
import { bagName, timeOfBag } from '../bags.ts'
import { legacyDigest } from '../legacy-hash.ts'
import { keyOfObject } from './network.ts'
import {
  eachOf,
  Passing,
  persistently,
  type Kept,
  type Moves,
  type Tidying,
  type Transport,
} from './transport.ts'

/** Most of the time each of them waits. */
const AT_ONCE = 16
/** No list of files that anybody made is larger. */
const LIST_BYTES_MAX = 2 ** 30

/** All that lies on a remote that is reached over a network; laid out as the cache is, its trash beside the objects. */
export async function openNetworkShelf(options: {
  name: string
  transport: Transport
}): Promise<Shelf> {
  const { name, transport } = options
  if (transport.tidying === undefined)
    throw new Problem('unsupported', `${name} cannot be tidied from here; use dvc to do it`)
  const tidying = await transport.tidying()
  let lying: Promise<Map<string, Lying>> | undefined
  /** Asked for once: a question for each object would take longer than all of these together. */
  const all = () => (lying ??= persistently(() => lyingIn(tidying)))
  const left = async (object: ObjectName) => void (await lying)?.delete(keyOfObject(object))
  const trash = tidying.moving && openNetworkTrash(transport, tidying.moving)
  return {
    name,
    place: transport.where,
    atOnce: AT_ONCE,
    objects: async function* () {
      yield* (await all()).values()
    },
    look: async (object) => (await all()).get(keyOfObject(object)),
    wrongAmong: async (objects) => {
      const wrong: ObjectName[] = []
      await eachOf(objects, AT_ONCE, async (object) => {
        if (!(await persistently(() => isRight(transport, object)))) wrong.push(object)
      })
      return wrong
    },
    text: (object) => persistently(() => textOf(transport, object)),
    // What is no object there is not ours to judge, and does no harm.
    strays: async () => [],
    trust: async () => {},
    trash: trash && {
      ...trash,
      put: async (bag, object) => {
        await trash.put(bag, object)
        await left(object)
      },
    },
    remove: async (object) => {
      await persistently(() => tidying.remove(keyOfObject(object)))
      await left(object)
    },
  }
}

async function lyingIn(tidying: Tidying): Promise<Map<string, Lying>> {
  const found = new Map<string, Lying>()
  for await (const { key, sizeBytes } of tidying.objects()) {
    const object = objectAt(key)
    if (object !== undefined) found.set(key, { ...object, sizeBytes, trusted: true })
  }
  return found
}

function objectAt(key: string): ObjectName | undefined {
  const [, top, prefix, rest] =
    /^(files\/md5\/)?([0-9a-f]{2})\/([0-9a-f]{30}(?:\.dir)?)$/.exec(key) ?? []
  return prefix === undefined || rest === undefined
    ? undefined
    : { md5: `${prefix}${rest}`, legacy: top === undefined }
}

/** What is not there is not right. */
async function isRight(transport: Transport, object: ObjectName): Promise<boolean> {
  const digest = createHash('md5')
  // DVC 2 hashed text in another way and did not say which.
  const older = object.legacy ? legacyDigest() : undefined
  const isThere = await eachPiece(transport, object, (piece) => {
    digest.update(piece)
    older?.update(piece)
  })
  const md5 = object.md5.slice(0, 32)
  return isThere && (digest.digest('hex') === md5 || older?.hex() === md5)
}

async function textOf(transport: Transport, object: ObjectName): Promise<string | undefined> {
  const pieces: Buffer[] = []
  let sizeBytes = 0
  const isThere = await eachPiece(transport, object, (piece) => {
    sizeBytes += piece.length
    if (sizeBytes <= LIST_BYTES_MAX) pieces.push(piece)
  })
  return isThere ? Buffer.concat(pieces).toString('utf8') : undefined
}

async function eachPiece(
  transport: Transport,
  object: ObjectName,
  take: (piece: Buffer) => void,
): Promise<boolean> {
  const incoming = await transport.read(keyOfObject(object), 0)
  if (incoming === undefined) return false
  let doneBytes = 0
  try {
    for await (const piece of incoming.bytes) {
      doneBytes += (piece as Buffer).length
      take(piece as Buffer)
    }
  } catch (error) {
    throw new Passing(`the transfer broke off after ${doneBytes} bytes (${messageOf(error)})`, {
      cause: error,
    })
  }
  if (incoming.sizeBytes !== undefined && doneBytes < incoming.sizeBytes)
    throw new Passing(`the transfer ended after ${doneBytes} of ${incoming.sizeBytes} bytes`)
  return true
}

const TOP = 'orrery'
const STRAYS = 'strays'

/** Every object is moved by itself: at every moment it is in its place or in the bag, whole. */
function openNetworkTrash(transport: Transport, moving: Moves): Trash {
  const move = (from: string, to: string) => persistently(() => moving.move(from, to))
  const inBag = (bag: string) => persistently(() => objectsBelow(moving, `${TOP}/${bag}/`))
  return {
    bags: async (kind) => {
      const bags: Bag[] = []
      for (const name of await persistently(() => moving.folders(`${TOP}/${kind}/`))) {
        const bag = await bagAt(moving, { kind, name })
        if (bag !== undefined) bags.push(bag)
      }
      return bags
    },
    open: async (kind, atMs) => bagName(kind, atMs),
    put: (bag, object) => move(keyOfObject(object), `${TOP}/${bag}/${keyOfObject(object)}`),
    putStray: (bag, path) => move(path, `${TOP}/${bag}/${STRAYS}/${path}`),
    bringBack: async (bag) => {
      const total = { objects: 0, bytes: 0 }
      const { lists, files } = await inBag(bag)
      // A folder's list tells everybody that its files are there, so it comes after them.
      for (const part of [files, lists]) {
        const there = await persistently(() =>
          transport.present(
            part.map(({ key }) => key),
            AT_ONCE,
          ),
        )
        await eachOf(part, AT_ONCE, async ({ key, sizeBytes }) => {
          const from = `${TOP}/${bag}/${key}`
          if (there.has(key)) return persistently(() => moving.removeAll([from]))
          await move(from, key)
          total.objects++
          total.bytes += sizeBytes
        })
      }
      await moving.close(`${TOP}/${bag}/`)
      return total
    },
    empty: async (bag) => {
      const { lists, files, others } = await inBag(bag)
      // Lists first: what is half removed can still be brought back, and no list tells of a file that is gone.
      for (const part of [lists, files, others]) {
        const keys = part.map(({ key }) => `${TOP}/${bag}/${key}`)
        await persistently(() => moving.removeAll(keys))
      }
      await moving.close(`${TOP}/${bag}/`)
    },
  }
}

/** An empty one is none: that is what is left where folders cannot be removed. */
async function bagAt(
  moving: Moves,
  { kind, name }: { kind: BagKind; name: string },
): Promise<Bag | undefined> {
  const atMs = timeOfBag(name)
  if (atMs === undefined) return undefined
  const id = `${kind}/${name}`
  const { lists, files } = await persistently(() => objectsBelow(moving, `${TOP}/${id}/`))
  const all = [...lists, ...files]
  if (all.length === 0) return undefined
  const bytes = all.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
  return { id, kind, atMs, objects: all.length, bytes }
}

async function objectsBelow(moving: Moves, folder: string) {
  const found = { lists: [] as Kept[], files: [] as Kept[], others: [] as Kept[] }
  for await (const { key, sizeBytes } of moving.below(folder)) {
    const kept = { key: key.slice(folder.length), sizeBytes }
    const object = objectAt(kept.key)
    if (object === undefined) found.others.push(kept)
    else (object.md5.endsWith('.dir') ? found.lists : found.files).push(kept)
  }
  return found
}
