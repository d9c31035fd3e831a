export type { DirectTransfers, ListedObject, ObjectStore, StoredObject } from './store.ts'
