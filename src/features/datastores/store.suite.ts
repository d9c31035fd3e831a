import { expect, test } from 'vitest'
import type { Transact } from '#ledger'
import type { DataStore, KeptObject, StoreToken } from './datastore.ts'
import type { DataStoreReads, DataStoreWrites } from './store.ts'

export interface DataStoreStore {
  readonly read: DataStoreReads
  readonly transact: Transact<{ datastores: DataStoreWrites }>
}

const store = (name: string, more: Partial<DataStore> = {}): DataStore => ({
  id: `id-${name}`,
  name,
  access: 'tokens',
  quotaBytes: null,
  usedBytes: 0,
  objects: 0,
  createdMs: 1_700_000_000_000,
  ...more,
})

const token = (id: string, more: Partial<StoreToken> = {}): StoreToken => ({
  id,
  store: 'id-a',
  name: 'ada',
  access: 'read',
  createdMs: 1_700_000_000_000,
  ...more,
})

const object = (key: string, sizeBytes = 2 ** 40): KeptObject => ({
  key,
  digest: 'd'.repeat(64),
  sizeBytes,
  atMs: 1_700_000_000_000,
})

/** The laws of every store of data stores. */
export function dataStoreSuite(openStore: () => Promise<DataStoreStore>) {
  const opened = async () => {
    const { read, transact } = await openStore()
    const write = <T>(work: (stores: DataStoreWrites) => Promise<T>) =>
      transact(({ datastores }) => work(datastores))
    return { read, write }
  }

  test('data stores come back as they were added, listed by name in pages', async () => {
    const { read, write } = await opened()
    const limited = store('b', { access: 'open', quotaBytes: 2 ** 50 })
    await write(async (stores) => {
      for (const each of [store('c'), limited, store('a')]) await stores.add(each)
    })
    expect(await read.find('b')).toEqual(limited)
    expect(await read.find('x')).toBeUndefined()
    expect((await read.list({ limit: 2 })).map(({ name }) => name)).toEqual(['a', 'b'])
    expect((await read.list({ limit: 2, after: 'b' })).map(({ name }) => name)).toEqual(['c'])
    expect(await read.count()).toBe(3)
    await write((stores) => stores.setQuota('id-b', null))
    expect(await read.find('b')).toEqual({ ...limited, quotaBytes: null })
  })

  test('a token is found by its hash in its own store alone, until it is removed', async () => {
    const { read, write } = await opened()
    await write(async (stores) => {
      await stores.addToken(token('1'), 'hash')
      await stores.addToken(token('2', { access: 'write' }), 'other')
    })
    expect(await read.tokens('id-a')).toEqual([token('1'), token('2', { access: 'write' })])
    expect(await read.tokenBy('id-a', 'hash')).toEqual(token('1'))
    expect(await read.tokenBy('id-b', 'hash')).toBeUndefined()
    await write((stores) => stores.removeToken('1'))
    expect(await read.tokenBy('id-a', 'hash')).toBeUndefined()
  })

  test('what a store has is counted as objects come and go', async () => {
    const { read, write } = await opened()
    await write(async (stores) => {
      await stores.add(store('a'))
      await stores.add(store('b'))
      for (const key of ['k1', 'k2', 'k3']) await stores.keep('id-a', object(key))
      await stores.keep('id-b', object('k1', 7))
    })
    expect(await read.find('a')).toMatchObject({ usedBytes: 3 * 2 ** 40, objects: 3 })
    expect(await read.findObject('id-b', 'k1')).toEqual(object('k1', 7))
    expect(await read.findObject('id-b', 'k2')).toBeUndefined()
    const many = Array.from({ length: 2500 }, (_, at) => `k${at}`)
    expect((await read.present('id-a', many)).toSorted()).toEqual(['k1', 'k2', 'k3'])
    expect(await read.present('id-a', [])).toEqual([])
    const page = { store: 'id-a', limit: 2 }
    expect(await read.objects(page)).toEqual([object('k1'), object('k2')])
    expect(await read.objects({ ...page, after: 'k2' })).toEqual([object('k3')])
    expect(await write((stores) => stores.forget('id-a', 'k1'))).toBe(true)
    expect(await write((stores) => stores.forget('id-a', 'k1'))).toBe(false)
    expect(await read.find('a')).toMatchObject({ usedBytes: 2 * 2 ** 40, objects: 2 })
    expect(await read.find('b')).toMatchObject({ usedBytes: 7, objects: 1 })
  })

  test('a store goes with its tokens and rows, and leaves those of others', async () => {
    const { read, write } = await opened()
    await write(async (stores) => {
      for (const name of ['a', 'b']) {
        await stores.add(store(name))
        await stores.keep(`id-${name}`, object('k'))
        await stores.addToken(token(name, { store: `id-${name}` }), 'hash')
      }
      await stores.delete('id-a')
    })
    expect(await read.find('a')).toBeUndefined()
    expect(await read.findObject('id-a', 'k')).toBeUndefined()
    expect(await read.tokens('id-a')).toEqual([])
    expect(await read.find('b')).toMatchObject({ objects: 1 })
    expect(await read.findObject('id-b', 'k')).toBeDefined()
    expect(await read.tokenBy('id-b', 'hash')).toBeDefined()
  })
}
