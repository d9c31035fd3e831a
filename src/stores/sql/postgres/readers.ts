import type { PostgresPool } from 'kysely'
import { Pool, type PoolClient } from 'pg'
import type { Problem } from '#base/problem'
import type { Address } from './address.ts'
import { isLost } from './problems.ts'
import { persistently, statementNames } from './session.ts'

/** Reads at a time; more wait their turn. */
const READERS_MAX = 8

/** Connections for reading. A read whose connection is lost is asked again on another: it changes nothing. */
export function createReaders(
  address: Address,
  problemOf: (error: unknown) => Problem | undefined,
): PostgresPool {
  const pool = new Pool({
    ...address.config,
    max: READERS_MAX,
    idleTimeoutMillis: 60_000,
    allowExitOnIdle: true,
  })
  // One that is lost while nobody uses it leaves the pool by itself.
  pool.on('error', () => undefined)
  const named = new WeakMap<PoolClient, ReturnType<typeof statementNames>>()
  let isClosed = false

  const connected = async () => {
    const client = await pool.connect()
    if (!named.has(client)) {
      named.set(client, statementNames())
      client.on('error', () => undefined)
    }
    return client
  }
  const trying = <T>(attempt: () => Promise<T>) =>
    persistently(attempt, { address, isWanted: () => !isClosed })
  const asked = async (text: string, values: readonly unknown[]) => {
    const client = await connected()
    try {
      const result = await client.query({
        ...named.get(client)?.(text),
        text,
        values: [...values],
      })
      client.release()
      return result
    } catch (error) {
      client.release(isLost(error))
      throw error
    }
  }
  const reader = {
    query: async (text: string, values: readonly unknown[]) => {
      try {
        return await trying(() => asked(text, values))
      } catch (error) {
        throw problemOf(error) ?? error
      }
    },
    release: () => undefined,
  }
  return {
    // Any connection will do for any statement, so that each one finds a live one.
    connect: async () => reader,
    end: async () => {
      isClosed = true
      await pool.end()
    },
    options: {},
  } as unknown as PostgresPool
}
