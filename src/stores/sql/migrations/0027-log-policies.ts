import type { Migration } from '../migrate.ts'

/** How each endpoint's predictions are logged: which share, and without which columns. */
export const logPolicies: Migration = {
  name: '0027-log-policies',
  up: async (db) => {
    await db.schema.alterTable('endpoints').addColumn('log', 'text').execute()
  },
}
