import type { Kysely } from 'kysely'
import type { Migration } from '../migrate.ts'

interface Known {
  run_requests: { id: string; body: string; branch: string | null }
}

/** Runs can be listed by their branch. */
export const runBranches: Migration = {
  name: '0036-run-branches',
  up: async (db) => {
    await db.schema.alterTable('run_requests').addColumn('branch', 'text').execute()
    const known = db as Kysely<Known>
    const rows = await known.selectFrom('run_requests').select(['id', 'body']).execute()
    for (const { id, body } of rows)
      await known
        .updateTable('run_requests')
        .set({ branch: (JSON.parse(body) as { branch: string | null }).branch })
        .where('id', '=', id)
        .execute()
    await db.schema
      .createIndex('run_requests_by_branch')
      .on('run_requests')
      .columns(['branch', 'asked_ms', 'id'])
      .execute()
  },
}
