import type { Kysely } from 'kysely'
import type { BrowsingReads, BrowsingWrites } from '#tracking'
import type { TrackingTables } from '../tracking/tables.ts'
import { facetReads } from './facets.ts'
import { folderReads, folderWrites } from './folders.ts'
import { rowReads } from './rows.ts'
import { seriesReads } from './series.ts'
import { treeReads } from './tree.ts'
import { viewReads, viewWrites, type ViewTables } from './views.ts'

type Db = Kysely<TrackingTables & ViewTables>

export function browsingReads(db: Db): BrowsingReads {
  return {
    ...rowReads(db),
    ...facetReads(db),
    ...treeReads(db),
    ...seriesReads(db),
    ...folderReads(db),
    ...viewReads(db),
  }
}

export function browsingWrites(db: Db): BrowsingWrites {
  return { ...browsingReads(db), ...folderWrites(db), ...viewWrites(db) }
}
