import { blobType } from '../dialect.ts'
import type { Migration } from '../migrate.ts'

/** Metric points of long series, packed; and how many rows of a series may be waiting for that. */
export const metricBlockTables: Migration = {
  name: '0022-metric-blocks',
  up: async (db) => {
    await db.schema
      .createTable('metric_blocks')
      .addColumn('series_id', 'bigint', (column) => column.notNull())
      .addColumn('ordinal', 'bigint', (column) => column.notNull())
      .addColumn('first_ms', 'bigint', (column) => column.notNull())
      .addColumn('first_step', 'bigint', (column) => column.notNull())
      .addColumn('last_ms', 'bigint', (column) => column.notNull())
      .addColumn('last_step', 'bigint', (column) => column.notNull())
      .addColumn('points', 'bigint', (column) => column.notNull())
      .addColumn('bytes', blobType(db), (column) => column.notNull())
      .addPrimaryKeyConstraint('metric_blocks_key', ['series_id', 'ordinal'])
      .execute()
    await db.schema
      .alterTable('metric_series')
      .addColumn('open_points', 'bigint', (column) => column.notNull().defaultTo(0))
      .execute()
  },
}
