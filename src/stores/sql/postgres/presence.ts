import { createHash } from 'node:crypto'
import type { Presence } from '#replicas'
import type { Address } from './address.ts'
import { openSession, persistently, type Session } from './session.ts'

/** Half of the number of each lock, so that they meet no other program's: "orry" in bytes. */
const OURS = 0x6f_72_72_79

/** A machine that lost its power says nothing; the database asks it after so many seconds, and then thrice. */
const KEEPALIVE = `select set_config('tcp_keepalives_idle', '4', false),
  set_config('tcp_keepalives_interval', '2', false), set_config('tcp_keepalives_count', '3', false)`

const ANSWER_MS_MAX = 5000

/** Presence by locks of one connection, which the database itself frees when that ends. */
export function openPresence(address: Address): { presence: Presence; close(): Promise<void> } {
  const entered = new Set<string>()
  let isClosed = false
  let opening: Promise<Session> | undefined
  let session: Session | undefined
  /** Roles, each with the connection by which it was taken. */
  const roles = new Map<string, Session>()

  const open = async () => {
    const opened = await openSession(address)
    try {
      await opened.query(KEEPALIVE)
      for (const name of entered) await lock(opened, name)
    } catch (error) {
      await opened.close()
      throw error
    }
    session = opened
    return opened
  }
  const connected = async (): Promise<Session> => {
    if (session?.isAlive === true) return session
    opening ??= persistently(open, { address, isWanted: () => !isClosed }).finally(() => {
      opening = undefined
    })
    return opening
  }
  const rows = async <Row extends Record<string, unknown>>(
    text: string,
    values: readonly unknown[],
  ) => {
    const asked = await connected()
    // A connection that hangs is as good as lost: the others may already take it so.
    const late = setTimeout(() => void asked.close(), ANSWER_MS_MAX)
    try {
      return { session: asked, rows: (await asked.query<Row>(text, values)).rows }
    } finally {
      clearTimeout(late)
    }
  }

  return {
    presence: {
      enter: async (name) => {
        entered.add(name)
        await lock(await connected(), name)
      },
      take: async (role) => {
        const taken = await rows<{ taken: boolean }>(
          'select pg_try_advisory_lock($1, $2) as taken',
          [OURS, numberOf(role)],
        )
        if (taken.rows[0]?.taken !== true) return false
        roles.set(role, taken.session)
        return true
      },
      drop: async (role) => {
        roles.delete(role)
        await rows('select pg_advisory_unlock($1, $2)', [OURS, numberOf(role)])
      },
      has: async (role) => {
        const by = roles.get(role)
        if (by === undefined) return false
        const { session: now } = await rows('select $1::integer', [1])
        return now === by
      },
      among: async (names) => {
        const found = await rows<{ number: number }>(
          `select objid::bigint as number from pg_locks
            where locktype = 'advisory' and granted and classid::bigint = $1 and objsubid = 2
              and database = (select oid from pg_database where datname = current_database())`,
          [OURS],
        )
        const numbers = new Set(found.rows.map(({ number }) => number | 0))
        return new Set(names.filter((name) => numbers.has(numberOf(name))))
      },
    },
    close: async () => {
      isClosed = true
      await opening?.catch(() => undefined)
      await session?.close()
    },
  }
}

/** Two servers are never one id, so nobody waits here. */
async function lock(session: Session, name: string): Promise<void> {
  await session.query('select pg_try_advisory_lock($1, $2)', [OURS, numberOf(name)])
}

/** The other half of the number, made from a name. */
function numberOf(name: string): number {
  return createHash('sha256').update(name).digest().readInt32BE(0)
}
