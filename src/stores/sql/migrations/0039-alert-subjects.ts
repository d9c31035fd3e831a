import { sql, type Kysely } from 'kysely'
import type { Migration } from '../migrate.ts'

interface Known {
  alerts: { id: string; body: string }
}

/** Alerts are about a subject and have a severity; places are named by what is due; windows say how much there was of them. */
export const alertSubjects: Migration = {
  name: '0039-alert-subjects',
  up: async (db) => {
    await db.schema
      .alterTable('alerts')
      .addColumn('subject', 'text', (column) => column.notNull().defaultTo(''))
      .execute()
    await db.schema
      .alterTable('alerts')
      .addColumn('severity', 'text', (column) => column.notNull().defaultTo('warning'))
      .execute()
    const known = db as Kysely<Known>
    for (const { id, body } of await known.selectFrom('alerts').select(['id', 'body']).execute())
      await known
        .updateTable('alerts')
        .set({
          body: JSON.stringify({ ...JSON.parse(body), subject: '', severity: 'warning' }),
        })
        .where('id', '=', id)
        .execute()
    await db.schema
      .createIndex('alerts_open')
      .on('alerts')
      .columns(['endpoint', 'kind', 'subject'])
      .where(sql.ref('cleared_ms'), 'is', null)
      .execute()
    await db.schema.alterTable('windows').addColumn('known', 'text').execute()
    for (const [from, to] of [
      ['drift_ms', 'closed_ms'],
      ['performance_ms', 'settled_ms'],
    ] as const)
      await db.schema.alterTable('window_progress').renameColumn(from, to).execute()
  },
}
