export type { ListedObject, ObjectStore, StoredObject } from './store.ts'
