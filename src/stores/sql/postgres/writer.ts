import type { PostgresPool } from 'kysely'
import { randomUUID } from 'node:crypto'
import { Problem } from '#base/problem'
import type { Boundaries } from '../group-commit.ts'
import type { Part } from '../news.ts'
import type { Address } from './address.ts'
import { isLost } from './problems.ts'
import { openSession, persistently, type Session } from './session.ts'

/**
 * All who write, in whichever process, wait for this lock before they begin: so what a transaction has read stays
 * right until it commits, as it does on SQLite. The number is only ours: "orrery" in bytes.
 */
export const WRITERS_LOCK = 0x6f_72_72_65_72_79

/** Whatever is set for this user or database: who is answered must be able to rely on it. */
const DURABLE = `select set_config('synchronous_commit', 'on', false)
  where current_setting('synchronous_commit') = 'off'`

/** What is told to all processes is told on this channel. */
export const CHANNEL = 'orrery'

/** Gives a row only when there are more steps than so many. */
const MORE_STEPS = 'select 1 from migrations having count(*) > $1::bigint'

export interface Writer {
  readonly pool: PostgresPool
  readonly boundaries: Boundaries
  close(): Promise<void>
}

interface Surroundings {
  readonly address: Address
  /** What the commit that comes will bring to other processes. */
  untold(): readonly Part[]
  /** How many steps have made the tables as this process knows them; undefined while it makes them. */
  steps(): number | undefined
}

/** The one writing connection of this process; it is opened again when it was lost. */
export function createWriter({ address, untold, steps }: Surroundings): Writer {
  const line = createLine(address, steps)
  // Tells its own commits apart from those of every other process, and from its own before.
  const writer = randomUUID()
  let commits = 0

  /** Whether a commit whose answer was lost took place. Whoever is alone in the line sees all that did. */
  const isKept = async (mark: number) => {
    await line.begin()
    const { rows } = await line
      .begun()
      .query('select 1 from commit_marks where writer = $1 and mark = $2', [writer, mark])
    await line.rollback()
    return rows.length > 0
  }
  const commit = async () => {
    const mark = ++commits
    try {
      await committed(line.begun(), { writer, mark, parts: untold() })
      line.ended()
    } catch (error) {
      if (!isLost(error) || !(await isKept(mark))) throw error
    }
  }
  /** What Kysely takes for a connection of a pool. */
  const client = {
    query: (text: string, values: readonly unknown[]) => line.begun().query(text, values),
    release: () => undefined,
  }
  return {
    boundaries: {
      begin: line.begin,
      enter: async () => line.begun().send('savepoint one'),
      leave: async () => void (await line.begun().query('release savepoint one')),
      undo: async () => {
        line.begun().send('rollback to savepoint one')
        await line.begun().query('release savepoint one')
      },
      commit,
      rollback: line.rollback,
      isOpen: line.isOpen,
    },
    pool: {
      connect: async () => client,
      end: async () => undefined,
      options: {},
    } as unknown as PostgresPool,
    close: line.close,
  }
}

/** The connection of a writer who waits in line with those of all processes, and when it is its turn. */
function createLine(address: Address, steps: Surroundings['steps']) {
  let isClosed = false
  let session: Session | undefined
  let isBegun = false

  const asLongAsWanted = <T>(attempt: () => Promise<T>) =>
    persistently(attempt, { address, isWanted: () => !isClosed })
  const connected = async (): Promise<Session> => {
    if (session?.isAlive === true) return session
    const opened = await openSession(address)
    await opened.query(DURABLE)
    session = opened
    return opened
  }
  return {
    begin: async () => {
      isBegun = false
      await asLongAsWanted(async () => {
        const opened = await connected()
        opened.send('begin isolation level read committed')
        const turn = opened.query('select pg_advisory_xact_lock($1)', [WRITERS_LOCK])
        await Promise.all([turn, refuseNewer(opened, steps())])
      })
      isBegun = true
    },
    begun: (): Session => {
      if (session === undefined || !isBegun) throw new Error('a statement outside a transaction')
      return session
    },
    ended: () => {
      isBegun = false
    },
    rollback: async () => {
      isBegun = false
      // It fails only when the connection does, and then nothing is left to undo.
      if (session?.isAlive === true) await session.query('rollback').catch(() => undefined)
    },
    isOpen: () => isBegun && session?.isAlive === true,
    close: async () => {
      isClosed = true
      await session?.close()
    },
  }
}

/** A newer server may migrate the database while this one runs; from then on this one writes nothing more. */
async function refuseNewer(session: Session, known: number | undefined): Promise<void> {
  if (known === undefined) return
  const { rows } = await session.query(MORE_STEPS, [known])
  if (rows.length > 0)
    throw new Problem(
      'unavailable',
      'a newer version has migrated the database, so this server stops; try again at another',
    )
}

/** Commits, with a mark by which it can be told afterwards that it took place; all goes out at once. */
async function committed(
  session: Session,
  { writer, mark, parts }: { writer: string; mark: number; parts: readonly Part[] },
): Promise<void> {
  // A transaction that wrote nothing needs no mark, and stays free of cost with it.
  const marked = session.query(
    `insert into commit_marks (writer, mark)
      select $1::text, $2::bigint where pg_current_xact_id_if_assigned() is not null
      on conflict (writer) do update set mark = excluded.mark`,
    [writer, mark],
  )
  for (const part of parts) session.send(`notify ${CHANNEL}, '${part}'`)
  const [first, second] = await Promise.allSettled([marked, session.query('commit')])
  if (first.status === 'rejected') throw first.reason
  if (second.status === 'rejected') throw second.reason
  if (second.value.command !== 'COMMIT')
    throw new Problem('unavailable', 'the database took back a whole commit; try again')
}
