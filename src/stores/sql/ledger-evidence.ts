import type { Kysely } from 'kysely'
import type { LedgerEvidence } from '#ledger'
import { edgeOfRow, type LedgerTables } from './ledger.ts'

/** The ledger's tables as they are. */
export function ledgerEvidence(db: Kysely<LedgerTables>): LedgerEvidence {
  const count = async (table: 'ledger_nodes' | 'ledger_edges') => {
    const { rows } = await db
      .selectFrom(table)
      .select((e) => e.fn.countAll<number | string>().as('rows'))
      .executeTakeFirstOrThrow()
    return Number(rows)
  }
  return {
    kept: async ({ after, limit }) =>
      (
        await db
          .selectFrom('ledger_entries')
          .selectAll()
          .where('position', '>', after)
          .orderBy('position')
          .limit(limit)
          .execute()
      ).map((row) => ({
        position: row.position,
        text: row.body,
        type: row.type,
        atMs: row.at_ms,
        eventMs: row.event_ms,
      })),
    nodes: async ({ level, from, until }) =>
      (
        await db
          .selectFrom('ledger_nodes')
          .select(['idx', 'hash'])
          .where('level', '=', level)
          .where('idx', '>=', from)
          .where('idx', '<', until)
          .execute()
      ).map(({ idx, hash }) => ({ index: idx, hash })),
    edges: async ({ from, until }) =>
      (
        await db
          .selectFrom('ledger_edges')
          .selectAll()
          .where('position', '>=', from)
          .where('position', '<', until)
          .orderBy('position')
          .orderBy('ordinal')
          .execute()
      ).map(edgeOfRow),
    checkpoints: ({ from, until }) =>
      db
        .selectFrom('ledger_checkpoints')
        .select(['size', 'note'])
        .where('size', '>=', from)
        .where('size', '<', until)
        .orderBy('size')
        .execute(),
    totals: async () => ({
      nodes: await count('ledger_nodes'),
      edges: await count('ledger_edges'),
    }),
  }
}
