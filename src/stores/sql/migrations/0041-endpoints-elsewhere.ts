import type { Migration } from '../migrate.ts'

/** Endpoints at which other systems answer. */
export const endpointsElsewhere: Migration = {
  name: '0041-endpoints-elsewhere',
  up: async (db) => {
    await db.schema.alterTable('endpoints').addColumn('elsewhere', 'integer').execute()
  },
}
