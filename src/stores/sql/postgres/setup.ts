import { Problem } from '#base/problem'
import { SCHEMA, type Address } from './address.ts'
import { startProblem } from './problems.ts'
import { openSession, type Session } from './session.ts'
import { WRITERS_LOCK } from './writer.ts'

const VERSION_MIN = 15

/** Sees that the database is one that the stores can use, and makes the schema they use. Throws problems for the person who starts the server. */
export async function prepare(address: Address): Promise<void> {
  let session: Session | undefined
  try {
    session = await openSession(address)
    await refuseUnsuitable(session, address)
    await makeSchema(session)
  } catch (error) {
    throw startProblem(error, address)
  } finally {
    await session?.close()
  }
}

/** Throws a `conflict` problem when the stores cannot run on the database. */
export async function refuseUnsuitable(
  session: Pick<Session, 'query'>,
  { shown }: Address,
): Promise<void> {
  const { rows } = await session.query<{ version: number; encoding: string; standby: boolean }>(
    `select current_setting('server_version_num')::integer / 10000 as version,
      current_setting('server_encoding') as encoding, pg_is_in_recovery() as standby`,
  )
  const [{ version, encoding, standby }] = rows as [(typeof rows)[0]]
  if (version < VERSION_MIN)
    throw new Problem(
      'conflict',
      `the database ${shown} is PostgreSQL ${version}; Orrery needs ${VERSION_MIN} or newer`,
    )
  if (encoding !== 'UTF8')
    throw new Problem(
      'conflict',
      `the database ${shown} is encoded as ${encoding}; make one with: createdb -E UTF8 -T template0 NAME`,
    )
  if (standby)
    throw new Problem(
      'conflict',
      `the database ${shown} is a standby, which takes no writes; name its primary`,
    )
}

async function makeSchema(session: Session): Promise<void> {
  session.send('begin')
  await session.query('select pg_advisory_xact_lock($1)', [WRITERS_LOCK])
  const { rows } = await session.query('select 1 from pg_namespace where nspname = $1', [SCHEMA])
  // Asked first: who may not make a schema may not ask for one "if not exists" either.
  if (rows.length === 0) await session.query(`create schema ${SCHEMA}`)
  await session.query(
    `create table if not exists ${SCHEMA}.commit_marks (
      writer text collate "C" primary key, mark bigint not null, at timestamptz not null default now())`,
  )
  // Of processes that are long gone.
  await session.query(`delete from ${SCHEMA}.commit_marks where at < now() - interval '7 days'`)
  await session.query('commit')
}
