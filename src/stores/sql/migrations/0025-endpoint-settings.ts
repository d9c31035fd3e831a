import type { Migration } from '../migrate.ts'

/** How each endpoint is kept in memory and how much may be asked of it; those made by hand belong to no project. */
export const endpointSettings: Migration = {
  name: '0025-endpoint-settings',
  up: async (db) => {
    await db.schema.alterTable('endpoints').addColumn('settings', 'text').execute()
  },
}
