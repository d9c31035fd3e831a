import type { DataStore, KeptObject, StoreToken } from './datastore.ts'

export interface DataStoreReads {
  find(name: string): Promise<DataStore | undefined>
  /** By name; `after` is the name of the last one of the page before. */
  list(page: { limit: number; after?: string | undefined }): Promise<DataStore[]>
  count(): Promise<number>
  /** Oldest first. */
  tokens(store: string): Promise<StoreToken[]>
  /** The token whose secret has this hash. */
  tokenBy(store: string, hash: string): Promise<StoreToken | undefined>
  findObject(store: string, key: string): Promise<KeptObject | undefined>
  /** Which of the keys are there. */
  present(store: string, keys: readonly string[]): Promise<string[]>
  /** By key; `after` is the key of the last one of the page before. */
  objects(page: { store: string; limit: number; after?: string | undefined }): Promise<KeptObject[]>
}

export interface DataStoreWrites extends DataStoreReads {
  add(store: DataStore): Promise<void>
  setQuota(store: string, quotaBytes: number | null): Promise<void>
  /** Removes it with its tokens and its rows; the bytes are freed when nothing else refers to them. */
  delete(store: string): Promise<void>
  addToken(token: StoreToken, hash: string): Promise<void>
  removeToken(id: string): Promise<void>
  /** Adds the object to what the store has and uses; its key must be new. */
  keep(store: string, object: KeptObject): Promise<void>
  /** Takes the object away from it; says whether it was there. */
  forget(store: string, key: string): Promise<boolean>
}
