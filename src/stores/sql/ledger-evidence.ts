import { existsSync } from 'node:fs'
import type { Kysely } from 'kysely'
import { Problem } from '#base/problem'
import type { LedgerEvidence } from '#ledger'
import { edgeOfRow, type LedgerTables } from './ledger.ts'
import { openSnapshot } from './postgres/snapshot.ts'
import { isPostgresUrl, withoutSecrets } from './postgres/url.ts'
import { kyselyOn, openReader } from './sqlite.ts'

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

interface OpenEvidence {
  readonly evidence: LedgerEvidence
  close(): Promise<void>
}

/**
 * Opens the evidence in a database, which a server may be writing to, as it was at this moment: a SQLite file or a
 * `postgres://` URL. Throws a `not-found` problem when it holds no ledger.
 */
export async function openLedgerEvidence(place: string): Promise<OpenEvidence> {
  return isPostgresUrl(place) ? inPostgres(place) : inFile(place)
}

async function inFile(file: string): Promise<OpenEvidence> {
  const absent = new Problem('not-found', `${file} holds no ledger; name the right --home`)
  if (!existsSync(file)) throw absent
  const connection = openReader(file)
  const tables = connection.prepare("select name from sqlite_master where name like 'ledger_%'")
  if (tables.all().length === 0) {
    connection.close()
    throw absent
  }
  connection.exec('begin')
  return {
    evidence: ledgerEvidence(kyselyOn<LedgerTables>(connection)),
    close: async () => void connection.close(),
  }
}

async function inPostgres(url: string): Promise<OpenEvidence> {
  const { db, hasTable, close } = await openSnapshot<LedgerTables>(url)
  if (await hasTable('ledger_entries')) return { evidence: ledgerEvidence(db), close }
  await close()
  throw new Problem(
    'not-found',
    `${withoutSecrets(url)} holds no ledger; name the right --database`,
  )
}
