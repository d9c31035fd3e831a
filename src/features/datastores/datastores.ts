import type { Clock } from '#base/clock'
import { sha256 } from '#base/digest'
import type { Ids } from '#base/ids'
import { Problem } from '#base/problem'
import type { Actor, Transact } from '#ledger'
import {
  checkedQuota,
  checkedStoreName,
  checkedTokenName,
  storeNotFound,
  STORES_MAX,
  TOKENS_MAX,
  type Access,
  type DataStore,
  type Openness,
  type StoreToken,
} from './datastore.ts'
import * as facts from './facts.ts'
import { createShelves, type ShelfDependencies, type Shelves } from './shelf.ts'
import type { DataStoreReads, DataStoreWrites } from './store.ts'

/** Who asks, as far as their request tells. */
export interface Caller {
  readonly secret: string | undefined
  /** On the server's own machine, and not on behalf of somebody elsewhere. */
  readonly isLocal: boolean
}

/** Places for data that DVC and Orrery use as remotes. */
export interface DataStores extends Shelves {
  /** Throws `exists`. */
  create(
    actor: Actor,
    store: { name: string; access: Openness; quotaBytes: number | null },
  ): Promise<DataStore>
  /** Throws `not-found`. */
  get(name: string): Promise<DataStore>
  list(page: { limit: number; after?: string | undefined }): Promise<DataStore[]>
  setQuota(actor: Actor, name: string, quotaBytes: number | null): Promise<DataStore>
  /** Forgets the store and all that it has. */
  delete(actor: Actor, name: string): Promise<DataStore>
  /** The secret is told here and never again. */
  makeToken(
    actor: Actor,
    name: string,
    token: { name: string; access: Access },
  ): Promise<{ token: StoreToken; secret: string }>
  tokens(name: string): Promise<StoreToken[]>
  /** Throws `not-found`. */
  revokeToken(actor: Actor, name: string, id: string): Promise<StoreToken>
  /** The store, if the caller may do that there. Throws `not-found`, `unauthenticated`, `forbidden`. */
  admit(name: string, caller: Caller, wants: Access): Promise<DataStore>
}

interface Dependencies extends ShelfDependencies {
  readonly read: DataStoreReads
  readonly transact: Transact<{ datastores: DataStoreWrites }>
  readonly clock: Clock
  readonly ids: Ids
}

export function createDataStores(dependencies: Dependencies): DataStores {
  const { read, transact } = dependencies
  return {
    ...createShelves(dependencies),
    create: (actor, given) => created(dependencies, actor, given),
    get: (name) => storeOf(read, name),
    list: (page) => read.list(page),
    setQuota: (actor, name, given) =>
      transact(async ({ datastores, ledger }) => {
        const store = await storeOf(datastores, name)
        const changed = { ...store, quotaBytes: checkedQuota(given) }
        if (changed.quotaBytes === store.quotaBytes) return store
        await datastores.setQuota(store.id, changed.quotaBytes)
        await ledger.append(actor, [facts.dataStoreQuotaChanged(changed, store.quotaBytes)])
        return changed
      }),
    delete: (actor, name) =>
      transact(async ({ datastores, ledger }) => {
        const store = await storeOf(datastores, name)
        await datastores.delete(store.id)
        await ledger.append(actor, [facts.dataStoreDeleted(store)])
        return store
      }),
    makeToken: (actor, name, given) => madeToken(dependencies, { actor, name, given }),
    tokens: async (name) => read.tokens((await storeOf(read, name)).id),
    revokeToken: (actor, name, id) =>
      transact(async ({ datastores, ledger }) => {
        const store = await storeOf(datastores, name)
        const token = (await datastores.tokens(store.id)).find((each) => each.id === id)
        if (token === undefined) throw tokenNotFound(name, id)
        await datastores.removeToken(id)
        await ledger.append(actor, [facts.dataStoreTokenRevoked(store, token)])
        return token
      }),
    admit: (name, caller, wants) => admitted(read, { name, caller, wants }),
  }
}

async function created(
  { transact, clock, ids }: Dependencies,
  actor: Actor,
  given: { name: string; access: Openness; quotaBytes: number | null },
): Promise<DataStore> {
  const store: DataStore = {
    id: ids.ulid(),
    name: checkedStoreName(given.name),
    access: given.access,
    quotaBytes: checkedQuota(given.quotaBytes),
    usedBytes: 0,
    objects: 0,
    createdMs: clock.nowMs(),
  }
  return transact(async ({ datastores, ledger }) => {
    if ((await datastores.find(store.name)) !== undefined)
      throw new Problem('exists', `there is a data store ${store.name} already; use another name`)
    if ((await datastores.count()) >= STORES_MAX)
      throw new Problem(
        'limit',
        `there are ${STORES_MAX} data stores, and no more can be made; delete one with "orrery data-store delete"`,
      )
    await datastores.add(store)
    await ledger.append(actor, [facts.dataStoreCreated(store)])
    return store
  })
}

async function madeToken(
  { transact, clock, ids }: Dependencies,
  { actor, name, given }: { actor: Actor; name: string; given: { name: string; access: Access } },
): Promise<{ token: StoreToken; secret: string }> {
  const secret = `orr_${ids.hex32()}${ids.hex32()}`
  const tokenName = checkedTokenName(given.name)
  return transact(async ({ datastores, ledger }) => {
    const store = await storeOf(datastores, name)
    if ((await datastores.tokens(store.id)).length >= TOKENS_MAX)
      throw new Problem(
        'limit',
        `the data store ${name} has ${TOKENS_MAX} tokens, and no more can be made; revoke one with "orrery data-store revoke ${name} TOKEN"`,
      )
    const token: StoreToken = {
      id: ids.ulid(),
      store: store.id,
      name: tokenName,
      access: given.access,
      createdMs: clock.nowMs(),
    }
    await datastores.addToken(token, sha256(secret))
    await ledger.append(actor, [facts.dataStoreTokenMade(store, token)])
    return { token, secret }
  })
}

async function admitted(
  read: DataStoreReads,
  { name, caller, wants }: { name: string; caller: Caller; wants: Access },
): Promise<DataStore> {
  const store = await storeOf(read, name)
  if (store.access === 'open' && caller.isLocal) return store
  if (caller.secret === undefined)
    throw new Problem(
      'unauthenticated',
      `the data store ${name} wants a token; "orrery data-store token ${name} --${wants}" makes one, which is sent as the password of basic authentication`,
    )
  const token = await read.tokenBy(store.id, sha256(caller.secret))
  if (token === undefined)
    throw new Problem(
      'unauthenticated',
      `this token does not open the data store ${name}: it was revoked or belongs to another; "orrery data-store token ${name} --${wants}" makes one`,
    )
  if (wants === 'write' && token.access === 'read')
    throw new Problem(
      'forbidden',
      `the token ${token.name} may only read from the data store ${name}; "orrery data-store token ${name} --write" makes one that may write`,
    )
  return store
}

/** Throws `not-found`. */
async function storeOf(read: Pick<DataStoreReads, 'find'>, name: string): Promise<DataStore> {
  const store = await read.find(name)
  if (store === undefined) throw storeNotFound(name)
  return store
}

function tokenNotFound(store: string, id: string): Problem {
  return new Problem(
    'not-found',
    `the data store ${store} has no token ${id.slice(0, 100)}; "orrery data-store show ${store}" lists them`,
  )
}
