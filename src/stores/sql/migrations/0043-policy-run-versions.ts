import { sql } from 'kysely'
import type { Migration } from '../migrate.ts'

/** The version that a policy run made, so that whoever hears of a version finds its run. */
export const policyRunVersions: Migration = {
  name: '0043-policy-run-versions',
  up: async (db) => {
    await db.schema.alterTable('policy_runs').addColumn('model_version', 'text').execute()
    const { rows } = await sql<{
      id: string
      body: string
    }>`select id, body from policy_runs`.execute(db)
    for (const { id, body } of rows) {
      const { modelVersion } = JSON.parse(body) as { modelVersion: string | null }
      if (modelVersion === null) continue
      await sql`update policy_runs set model_version = ${modelVersion} where id = ${id}`.execute(db)
    }
    await db.schema
      .createIndex('policy_runs_by_version')
      .on('policy_runs')
      .column('model_version')
      .execute()
  },
}
