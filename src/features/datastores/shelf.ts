import { Readable } from 'node:stream'
import type { Clock } from '#base/clock'
import { Problem } from '#base/problem'
import type { Transact } from '#ledger'
import type { ObjectStore } from '#objects'
import { assertRoom, storeNotFound, type DataStore, type KeptObject } from './datastore.ts'
import { checkedBytes, type Formats, type Intake } from './intake.ts'
import { keyIn, memberKey, type ObjectKey } from './key.ts'
import type { DataStoreReads, DataStoreWrites } from './store.ts'

/** What comes in. */
export interface Arriving {
  readonly bytes: AsyncIterable<Buffer>
  /** What the sender says that they are, if it says so. */
  readonly sizeBytes: number | undefined
}

/** The objects of data stores. Who may do it was decided before. */
export interface Shelves {
  /** Undefined also for what is no key of an object. */
  findObject(store: DataStore, key: string): Promise<KeptObject | undefined>
  openObject(digest: string, range?: { start: number; end?: number }): Promise<Readable>
  /**
   * Keeps bytes under their key, once they are what it says; says whether they are new. Throws `invalid` for other bytes and
   * other keys, `full` over the quota, and `conflict` for the list of a folder of which a file is missing.
   */
  putObject(store: DataStore, key: string, arriving: Arriving): Promise<'new' | 'there'>
  /** Says whether it was there. */
  removeObject(store: DataStore, key: string): Promise<boolean>
  presentObjects(store: DataStore, keys: readonly string[]): Promise<string[]>
  listObjects(
    store: DataStore,
    page: { limit: number; after?: string | undefined },
  ): Promise<KeptObject[]>
}

export interface ShelfDependencies {
  readonly read: DataStoreReads
  readonly transact: Transact<{ datastores: DataStoreWrites }>
  readonly objects: Pick<ObjectStore, 'put' | 'open'>
  readonly formats: Formats
  readonly clock: Clock
}

export function createShelves(dependencies: ShelfDependencies): Shelves {
  const { read, transact, objects } = dependencies
  return {
    findObject: async ({ id }, key) =>
      keyIn(key) === undefined ? undefined : read.findObject(id, key),
    openObject: (digest, range) => objects.open(digest, range),
    putObject: async (store, text, arriving) => {
      const key = keyIn(text)
      if (key === undefined) throw noKey(store, text)
      const isThere = (await read.findObject(store.id, text)) !== undefined
      return isThere
        ? confirmed(dependencies, { store, key, arriving })
        : kept(dependencies, { store, key, arriving })
    },
    removeObject: async ({ id }, key) =>
      keyIn(key) !== undefined && transact(({ datastores }) => datastores.forget(id, key)),
    presentObjects: ({ id }, keys) =>
      read.present(id, [...new Set(keys.filter((key) => keyIn(key) !== undefined))]),
    listObjects: ({ id }, page) => read.objects({ store: id, ...page }),
  }
}

interface Put {
  readonly store: DataStore
  readonly key: ObjectKey
  readonly arriving: Arriving
}

/** What is there stays as it is: what comes again is only looked at. */
async function confirmed(dependencies: ShelfDependencies, put: Put): Promise<'there'> {
  for await (const _ of checkedBytes(put.arriving.bytes, intakeOf(dependencies, put)));
  return 'there'
}

async function kept(dependencies: ShelfDependencies, put: Put): Promise<'new' | 'there'> {
  const { transact, objects, clock } = dependencies
  const { store, key, arriving } = put
  assertRoom(store, arriving.sizeBytes ?? 0)
  const intake = {
    ...intakeOf(dependencies, put),
    took: (sizeBytes: number) => assertRoom(store, sizeBytes),
  }
  // What is found wrong is thrown into the store while it writes, so nothing of it stays.
  const stored = await objects.put(Readable.from(checkedBytes(arriving.bytes, intake)))
  return transact(async ({ datastores }) => {
    // The store may have been deleted, filled or given the same object meanwhile.
    const now = await datastores.find(store.name)
    if (now?.id !== store.id) throw storeNotFound(store.name)
    if ((await datastores.findObject(store.id, key.text)) !== undefined) return 'there'
    assertRoom(now, stored.sizeBytes)
    await datastores.keep(store.id, { key: key.text, ...stored, atMs: clock.nowMs() })
    return 'new'
  })
}

function intakeOf({ read, formats }: ShelfDependencies, { store, key }: Put): Intake {
  return {
    key,
    formats,
    absent: async (members) => {
      const keys = [...new Set(members)].map((md5) => memberKey(key, md5))
      const there = new Set(await read.present(store.id, keys))
      return keys.filter((each) => !there.has(each))
    },
  }
}

function noKey({ name }: DataStore, text: string): Problem {
  return new Problem(
    'invalid',
    `${JSON.stringify(text.slice(0, 200))} is no object of DVC, so the data store ${name} does not take it; objects are at files/md5/xx/… with the 32 hex digits of their MD5, and .dir behind those of a folder's list`,
  )
}
