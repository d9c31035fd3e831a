import { AsyncLocalStorage } from 'node:async_hooks'
import { invariant } from '#base/invariant'

/** At most this many callers share one commit, so that the first of them does not wait for ever. */
const GROUP_MAX = 512

/** How the one writing connection is told where a group of callers and each of them begins and ends. */
export interface Boundaries {
  /** Begins the transaction of a group, when no other process is in one. */
  begin(): Promise<void>
  /** Begins the part of one caller. */
  enter(): Promise<void>
  /** Keeps the part of one caller. */
  leave(): Promise<void>
  /** Undoes the part of one caller. */
  undo(): Promise<void>
  /** Resolves when the group is durable. */
  commit(): Promise<void>
  /** Undoes the group, whatever became of its transaction. */
  rollback(): Promise<void>
  /** Whether the transaction is there still; a full disk or a lost connection ends it under everybody. */
  isOpen(): boolean
}

interface Waiting {
  run(): Promise<unknown>
  resolve(value: unknown): void
  reject(error: unknown): void
}

/**
 * Gives a function that runs work in transactions on the one writing connection. Callers that arrive
 * together share one `begin … commit`, each inside its own savepoint, and are answered after the commit
 * is durable; one that throws is undone alone. The speed of many writers then comes from one fsync.
 */
export function groupCommit(
  boundaries: Boundaries,
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
      await boundaries.begin()
      for (const waiting of group) answers.push(await answerOf(waiting))
      await boundaries.commit()
    } catch (error) {
      for (const waiting of group) waiting.reject(error)
      await boundaries.rollback()
      return
    }
    for (const answer of answers) answer()
    onCommit()
  }

  const answerOf = async (waiting: Waiting): Promise<() => void> => {
    const transaction = { open: true }
    await boundaries.enter()
    try {
      const value = await around.run(transaction, waiting.run)
      await boundaries.leave()
      return () => waiting.resolve(value)
    } catch (error) {
      // A full disk or the like ends the whole transaction; then nobody's work was kept.
      if (!boundaries.isOpen()) throw error
      await boundaries.undo()
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
