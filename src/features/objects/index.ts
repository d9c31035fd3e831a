export type { ObjectStore, StoredObject } from './store.ts'
