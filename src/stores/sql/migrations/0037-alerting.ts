import type { Migration } from '../migrate.ts'

/** What troubles whom: alerts and their like, the groups that they are told in, and until when nobody hears of what. */
export const alertingTables: Migration = {
  name: '0037-alerting',
  up: async (db) => {
    await db.schema
      .createTable('troubles')
      .addColumn('id', 'text', (column) => column.primaryKey())
      .addColumn('place', 'text', (column) => column.notNull())
      // Its key while it is open: of two troubles about the same only one can be.
      .addColumn('open_key', 'text')
      .addColumn('project', 'text', (column) => column.notNull())
      .addColumn('endpoint', 'text', (column) => column.notNull())
      .addColumn('kind', 'text', (column) => column.notNull())
      .addColumn('body', 'text', (column) => column.notNull())
      .execute()
    await db.schema
      .createIndex('troubles_open')
      .unique()
      .on('troubles')
      .columns(['open_key'])
      .execute()
    for (const column of ['place', 'endpoint'])
      await db.schema
        .createIndex(`troubles_by_${column}`)
        .on('troubles')
        .columns(column === 'place' ? ['place'] : [column, 'place'])
        .execute()
    await db.schema
      .createTable('alert_groups')
      .addColumn('id', 'text', (column) => column.primaryKey())
      .addColumn('open_key', 'text')
      .addColumn('body', 'text', (column) => column.notNull())
      .execute()
    await db.schema
      .createIndex('alert_groups_open')
      .unique()
      .on('alert_groups')
      .columns(['open_key'])
      .execute()
    await db.schema
      .createTable('silences')
      .addColumn('id', 'text', (column) => column.primaryKey())
      .addColumn('until_ms', 'bigint', (column) => column.notNull())
      .addColumn('body', 'text', (column) => column.notNull())
      .execute()
    await db.schema.createIndex('silences_by_end').on('silences').columns(['until_ms']).execute()
  },
}
