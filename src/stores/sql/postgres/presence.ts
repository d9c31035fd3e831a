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
  const { enter, asked, close } = createConnection(address)
  /** Roles, each with the connection by which it was taken. */
  const roles = new Map<string, Session>()
  return {
    presence: {
      enter,
      take: async (role) => {
        const number = [OURS, numberOf(role)]
        const { by, answers } = await asked('select pg_try_advisory_lock($1, $2) as answer', number)
        if (answers[0] !== true) return false
        roles.set(role, by)
        return true
      },
      drop: async (role) => {
        if (roles.delete(role))
          await asked('select pg_advisory_unlock($1, $2)', [OURS, numberOf(role)])
      },
      has: async (role) => {
        const taken = roles.get(role)
        if (taken === undefined) return false
        const { by } = await asked('select $1::integer', [1])
        return by === taken
      },
      among: async (names) => {
        const { answers } = await asked(
          `select objid::bigint as answer from pg_locks
            where locktype = 'advisory' and granted and classid::bigint = $1 and objsubid = 2
              and database = (select oid from pg_database where datname = current_database())`,
          [OURS],
        )
        const numbers = new Set(answers.map((number) => Number(number) | 0))
        return new Set(names.filter((name) => numbers.has(numberOf(name))))
      },
    },
    close,
  }
}

/** The connection, opened again when it was lost, with the names that were entered by it. */
function createConnection(address: Address) {
  const entered = new Set<string>()
  let isClosed = false
  let opening: Promise<Session> | undefined
  let session: Session | undefined

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
  return {
    enter: async (name: string) => {
      entered.add(name)
      await lock(await connected(), name)
    },
    asked: async (text: string, values: readonly unknown[]) => {
      const by = await connected()
      // A connection that hangs is as good as lost: the others may already take it so.
      const late = setTimeout(() => void by.close(), ANSWER_MS_MAX)
      try {
        const { rows } = await by.query<{ answer: number | boolean }>(text, values)
        return { by, answers: rows.map(({ answer }) => answer) }
      } finally {
        clearTimeout(late)
      }
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
