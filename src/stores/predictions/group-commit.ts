import type { Connection } from './database.ts'

/** At most this many share one commit, so that the first of them does not wait for ever. */
const GROUP_MAX = 256

interface Waiting {
  run(): unknown
  resolve(value: unknown): void
  reject(error: unknown): void
}

/**
 * Runs pieces of work on the writing connection. Those that arrive in one turn of the event loop share a
 * transaction, each inside its own savepoint, and are answered after its commit is durable.
 */
export function groupCommit(
  connection: Connection,
  onRollback: () => void,
): {
  commit<T>(work: () => T): Promise<T>
  drained(): Promise<void>
} {
  const queue: Waiting[] = []
  let draining: Promise<void> | undefined
  const begin = connection.prepare('begin immediate')
  const commit = connection.prepare('commit')
  const save = connection.prepare('savepoint one')
  const release = connection.prepare('release one')

  const drain = async () => {
    do {
      await new Promise((resolve) => setImmediate(resolve))
      commitGroup(queue.splice(0, GROUP_MAX))
    } while (queue.length > 0)
    draining = undefined
  }

  const commitGroup = (group: readonly Waiting[]) => {
    const answers: (() => void)[] = []
    try {
      begin.run()
      for (const waiting of group) answers.push(answerOf(waiting))
      commit.run()
    } catch (error) {
      if (connection.inTransaction) connection.exec('rollback')
      onRollback()
      for (const { reject } of group) reject(error)
      return
    }
    for (const answer of answers) answer()
  }

  const answerOf = (waiting: Waiting): (() => void) => {
    save.run()
    try {
      const value = waiting.run()
      release.run()
      return () => waiting.resolve(value)
    } catch (error) {
      // A full disk or the like ends the whole transaction; then nobody's work was kept.
      if (!connection.inTransaction) throw error
      connection.exec('rollback to one')
      release.run()
      onRollback()
      return () => waiting.reject(error)
    }
  }

  return {
    commit: (work) =>
      new Promise((resolve, reject) => {
        queue.push({ run: work, resolve, reject })
        draining ??= drain()
      }),
    drained: async () => {
      await draining
    },
  }
}
