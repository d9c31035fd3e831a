import { setTimeout as sleep } from 'node:timers/promises'
import { Client, type QueryResult, type QueryResultRow } from 'pg'
import { Problem } from '#base/problem'
import { startProblem, isLost } from './problems.ts'
import type { Address } from './address.ts'

/** One connection to PostgreSQL, which knows when it is lost. */
export interface Session {
  query<Row extends QueryResultRow>(
    text: string,
    values?: readonly unknown[],
  ): Promise<QueryResult<Row>>
  /** Sends a statement before those that follow; whoever follows learns that it failed by failing too. */
  send(text: string): void
  onNotice(listener: (payload: string) => void): void
  readonly isAlive: boolean
  readonly lost: Promise<void>
  close(): Promise<void>
}

/** Another server that holds its transaction open for so long was stopped in it, and all others wait for it. */
const IDLE_MS_MAX = 15_000
const LOCK_MS_MAX = 30_000

/** Opens a connection. Statements that are sent together go out together. */
export async function openSession({ config }: Address): Promise<Session> {
  const client = new Client({
    ...config,
    pipeline: true,
    idle_in_transaction_session_timeout: IDLE_MS_MAX,
    lock_timeout: LOCK_MS_MAX,
  })
  let isAlive = true
  const { promise: lost, resolve: lose } = Promise.withResolvers<void>()
  const end = () => {
    isAlive = false
    lose()
  }
  client.on('error', end)
  client.on('end', end)
  await client.connect()
  const named = statementNames()
  const query: Session['query'] = async (text, values) => {
    try {
      // Without values it is about the transaction, and nothing is prepared for it.
      return await (values === undefined
        ? client.query(text)
        : client.query({ ...named(text), text, values: [...values] }))
    } catch (error) {
      if (isLost(error)) end()
      throw error
    }
  }
  return {
    query,
    send: (text) => {
      client.query(text).catch((error: unknown) => {
        if (isLost(error)) end()
      })
    },
    onNotice: (listener) =>
      void client.on('notification', ({ payload }) => listener(payload ?? '')),
    get isAlive() {
      return isAlive
    },
    lost,
    close: async () => {
      end()
      await client.end().catch(() => undefined)
    },
  }
}

/** Waits between attempts to connect: a database that is started anew is back within them. */
const PAUSES_MS = [0, 50, 100, 200, 300, ...Array.from({ length: 28 }, () => 500)]

/** Does what needs a connection as often as it takes for the database to come back, within bounds. */
export async function persistently<T>(
  attempt: () => Promise<T>,
  { address, isWanted }: { address: Address; isWanted(): boolean },
): Promise<T> {
  let last: unknown
  for (const pauseMs of PAUSES_MS) {
    if (pauseMs > 0) await sleep(pauseMs)
    if (!isWanted()) throw new Problem('unavailable', 'the server is stopping; try again')
    try {
      return await attempt()
    } catch (error) {
      if (!isLost(error)) throw error
      last = error
    }
  }
  const { message } = startProblem(last, address)
  throw new Problem('unavailable', `${message}; try again`)
}

const NAMES_MAX = 500
const CHARS_MAX = 4000
/** Lists of values make statements that come once; those are not worth a name. */
const WORTH_A_NAME = 3

/** Gives statements that come often a name, under which the connection keeps them prepared. */
export function statementNames(): (text: string) => { name?: string } {
  const names = new Map<string, { name: string }>()
  let seen = new Map<string, number>()
  return (text) => {
    const known = names.get(text)
    if (known !== undefined) return known
    if (text.length > CHARS_MAX || names.size >= NAMES_MAX) return {}
    const times = (seen.get(text) ?? 0) + 1
    if (seen.size >= NAMES_MAX * 4) seen = new Map()
    seen.set(text, times)
    if (times < WORTH_A_NAME) return {}
    seen.delete(text)
    const named = { name: `orrery_${names.size}` }
    names.set(text, named)
    return named
  }
}
