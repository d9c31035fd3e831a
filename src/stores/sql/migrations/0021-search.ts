import { sql } from 'kysely'
import type { Migration } from '../migrate.ts'

/** As much of a param's or tag's value as the index holds: PostgreSQL refuses to index long ones. */
const INDEXED = 100

/** Ways into a search of runs that need not look at every run: by a metric's value, a param's, a tag's. */
export const searchIndexes: Migration = {
  name: '0021-search',
  up: async (db) => {
    await db.schema
      .createIndex('metric_series_by_value')
      .on('metric_series')
      .columns(['key', 'is_nan', 'value', 'run_id'])
      .execute()
    for (const table of ['run_params', 'run_tags'])
      await db.schema
        .createIndex(`${table}_by_value`)
        .on(table)
        .expression(sql`key, substr(value, 1, ${sql.lit(INDEXED)}), run_id`)
        .execute()
  },
}
