import type { Kysely, Selectable } from 'kysely'
import type {
  DataStore,
  DataStoreReads,
  DataStoreWrites,
  KeptObject,
  StoreToken,
} from '#datastores'
import { chunksOf } from './chunks.ts'

interface StoreRow {
  id: string
  name: string
  access: DataStore['access']
  quota_bytes: number | null
  used_bytes: number
  files: number
  created_ms: number
}

interface TokenRow {
  id: string
  store: string
  name: string
  access: StoreToken['access']
  hash: string
  created_ms: number
}

interface FileRow {
  store: string
  key: string
  digest: string
  size_bytes: number
  at_ms: number
}

export interface DataStoreTables {
  data_stores: StoreRow
  data_store_tokens: TokenRow
  data_store_files: FileRow
}

export function dataStoreReads(db: Kysely<DataStoreTables>): DataStoreReads {
  const stores = db.selectFrom('data_stores').selectAll()
  const tokens = db.selectFrom('data_store_tokens').selectAll()
  const files = db.selectFrom('data_store_files').selectAll()
  return {
    find: async (name) => {
      const row = await stores.where('name', '=', name).executeTakeFirst()
      return row === undefined ? undefined : storeOf(row)
    },
    list: async ({ limit, after = '' }) => {
      const rows = await stores.where('name', '>', after).orderBy('name').limit(limit).execute()
      return rows.map(storeOf)
    },
    count: async () => {
      const { count } = await db
        .selectFrom('data_stores')
        .select((e) => e.fn.countAll<number>().as('count'))
        .executeTakeFirstOrThrow()
      return count
    },
    tokens: async (store) =>
      (await tokens.where('store', '=', store).orderBy('id').execute()).map(tokenOf),
    tokenBy: async (store, hash) => {
      const row = await tokens
        .where('store', '=', store)
        .where('hash', '=', hash)
        .executeTakeFirst()
      return row === undefined ? undefined : tokenOf(row)
    },
    findObject: async (store, key) => {
      const row = await files.where('store', '=', store).where('key', '=', key).executeTakeFirst()
      return row === undefined ? undefined : objectOf(row)
    },
    present: async (store, keys) => {
      const found: string[] = []
      for (const chunk of chunksOf(keys)) {
        const rows = await db
          .selectFrom('data_store_files')
          .select('key')
          .where('store', '=', store)
          .where('key', 'in', chunk)
          .execute()
        for (const { key } of rows) found.push(key)
      }
      return found
    },
    objects: async ({ store, limit, after = '' }) => {
      const rows = await files
        .where('store', '=', store)
        .where('key', '>', after)
        .orderBy('key')
        .limit(limit)
        .execute()
      return rows.map(objectOf)
    },
  }
}

export function dataStoreWrites(db: Kysely<DataStoreTables>): DataStoreWrites {
  const reads = dataStoreReads(db)
  /** What a store has is counted as it changes: nobody adds up a million rows. */
  const count = async (store: string, { files, bytes }: { files: number; bytes: number }) => {
    await db
      .updateTable('data_stores')
      .set((e) => ({
        used_bytes: e('used_bytes', '+', bytes),
        files: e('files', '+', files),
      }))
      .where('id', '=', store)
      .execute()
  }
  return {
    ...reads,
    add: async (store) => void (await db.insertInto('data_stores').values(rowOf(store)).execute()),
    setQuota: async (store, quotaBytes) => {
      await db
        .updateTable('data_stores')
        .set({ quota_bytes: quotaBytes })
        .where('id', '=', store)
        .execute()
    },
    delete: async (store) => {
      await db.deleteFrom('data_store_files').where('store', '=', store).execute()
      await db.deleteFrom('data_store_tokens').where('store', '=', store).execute()
      await db.deleteFrom('data_stores').where('id', '=', store).execute()
    },
    addToken: async ({ id, store, name, access, createdMs }, hash) => {
      await db
        .insertInto('data_store_tokens')
        .values({ id, store, name, access, hash, created_ms: createdMs })
        .execute()
    },
    removeToken: async (id) => {
      await db.deleteFrom('data_store_tokens').where('id', '=', id).execute()
    },
    keep: async (store, { key, digest, sizeBytes, atMs }) => {
      await db
        .insertInto('data_store_files')
        .values({ store, key, digest, size_bytes: sizeBytes, at_ms: atMs })
        .execute()
      await count(store, { files: 1, bytes: sizeBytes })
    },
    forget: async (store, key) => {
      const found = await reads.findObject(store, key)
      if (found === undefined) return false
      await db
        .deleteFrom('data_store_files')
        .where('store', '=', store)
        .where('key', '=', key)
        .execute()
      await count(store, { files: -1, bytes: -found.sizeBytes })
      return true
    },
  }
}

function rowOf(store: DataStore): StoreRow {
  return {
    id: store.id,
    name: store.name,
    access: store.access,
    quota_bytes: store.quotaBytes,
    used_bytes: store.usedBytes,
    files: store.objects,
    created_ms: store.createdMs,
  }
}

function storeOf(row: Selectable<StoreRow>): DataStore {
  return {
    id: row.id,
    name: row.name,
    access: row.access,
    quotaBytes: row.quota_bytes,
    usedBytes: row.used_bytes,
    objects: row.files,
    createdMs: row.created_ms,
  }
}

function tokenOf({ id, store, name, access, created_ms }: Selectable<TokenRow>): StoreToken {
  return { id, store, name, access, createdMs: created_ms }
}

function objectOf({ key, digest, size_bytes, at_ms }: Selectable<FileRow>): KeptObject {
  return { key, digest, sizeBytes: size_bytes, atMs: at_ms }
}
