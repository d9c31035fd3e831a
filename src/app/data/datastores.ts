import { createDataStores, type DataStores, type Formats } from '#datastores'
import { treeReader } from '#protocols/dvc/tree-stream'
import { legacyDigest } from '#stores/dvc/legacy-hash'
import type { Ground } from '../ground.ts'

const FORMATS: Formats = { legacyHash: legacyDigest, listReader: treeReader }

/** Data stores over the server's own objects. */
export function dataStoresOf({ store, objects, clock, ids }: Ground): DataStores {
  const { read, transact } = store
  return createDataStores({
    read: read.datastores,
    transact,
    objects,
    formats: FORMATS,
    clock,
    ids,
  })
}
