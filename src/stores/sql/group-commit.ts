import { AsyncLocalStorage } from 'node:async_hooks'
import type { Database } from 'better-sqlite3'
import { invariant } from '#base/invariant'

/** At most this many callers share one commit, so that the first of them does not wait for ever. */
const GROUP_MAX = 512

interface Waiting {
  run(): Promise<unknown>
  resolve(value: unknown): void
  reject(error: unknown): void
}

/**
 * Gives a function that runs work in transactions on the one writing connection. Callers that arrive
 * together share one `BEGIN … COMMIT`, each inside its own savepoint, and are answered after the commit
 * is durable; one that throws is undone alone. The speed of many writers then comes from one fsync.
 */
export function groupCommit(
  connection: Database,
  onCommit: () => void,
): { transact<T>(work: () => Promise<T>): Promise<T>; drained(): Promise<void> } {
  const queue: Waiting[] = []
  const around = new AsyncLocalStorage<{ open: boolean }>()
  let draining: Promise<void> | undefined

  const drain = async () => {
    // Let everybody who is ready in this turn of the event loop join the first group.
    await new Promise((resolve) => setImmediate(resolve))
    while (queue.length > 0) await commitGroup(queue.splice(0, GROUP_MAX))
    draining = undefined
  }

  const commitGroup = async (group: readonly Waiting[]) => {
    const answers: (() => void)[] = []
    try {
      connection.exec('begin immediate')
      for (const waiting of group) answers.push(await answerOf(waiting))
      connection.exec('commit')
    } catch (error) {
      for (const waiting of group) waiting.reject(error)
      if (connection.inTransaction) connection.exec('rollback')
      return
    }
    for (const answer of answers) answer()
    onCommit()
  }

  const answerOf = async (waiting: Waiting): Promise<() => void> => {
    const transaction = { open: true }
    connection.exec('savepoint one')
    try {
      const value = await around.run(transaction, waiting.run)
      connection.exec('release one')
      return () => waiting.resolve(value)
    } catch (error) {
      // A full disk or the like ends the whole transaction; then nobody's work was kept.
      if (!connection.inTransaction) throw error
      connection.exec('rollback to one')
      connection.exec('release one')
      return () => waiting.reject(error)
    } finally {
      transaction.open = false
    }
  }

  return {
    transact: (work) =>
      new Promise((resolve, reject) => {
        // It would wait for a commit that waits for it, and every other writer with it.
        invariant(
          around.getStore()?.open !== true,
          'a transaction is never begun inside another one; use the stores of the one around it',
        )
        queue.push({ run: work, resolve, reject })
        draining ??= drain()
      }),
    drained: async () => draining,
  }
}
