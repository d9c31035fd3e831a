import type { OnProgress, TableEngine } from '#tables'
import { createEngine, type Session } from '../engine.ts'
import { sql } from '../sql.ts'
import { differenceOf } from './difference.ts'
import { profileTable } from './profile.ts'
import { withTable } from './relation.ts'

/** An engine for tables, which spills to a folder what does not fit into its memory. */
export function openTableEngine(limits: {
  memoryMb: number
  threads: number
  spillFolder: string
}): TableEngine & { close(): Promise<void> } {
  const engine = createEngine(limits)
  const session = <T>(use: (session: Session) => Promise<T>, onProgress?: OnProgress) =>
    engine.session(async (own) => {
      // No answer depends on the order of rows, and keeping it costs memory.
      await own.connection.run('set preserve_insertion_order = false')
      return onProgress === undefined ? use(own) : watched(own, use, onProgress)
    })
  return {
    columns: (table) =>
      session((own) => withTable(own, table, async ({ columns }) => [...columns])),
    rows: (table) =>
      session((own) =>
        withTable(own, table, async ({ from }) => {
          const [row] = await own.rows(sql`select count(*) as n from ${from}`)
          return Number(row?.['n'] ?? 0)
        }),
      ),
    profile: (table, onProgress) => session((own) => profileTable(own, table), onProgress),
    difference: (tables, request) =>
      session((own) => differenceOf(own, tables, request), request.onProgress),
    close: () => engine.close(),
  }
}

const WATCH_MS = 200

/** Tells how far the running statement is, by the engine's own estimate. */
async function watched<T>(
  session: Session,
  use: (session: Session) => Promise<T>,
  onProgress: OnProgress,
): Promise<T> {
  const { connection } = session
  await connection.run('set enable_progress_bar = true')
  await connection.run('set enable_progress_bar_print = false')
  const timer = setInterval(() => {
    const { percentage } = connection.progress
    if (percentage > 0) onProgress(Math.min(1, percentage / 100))
  }, WATCH_MS)
  try {
    return await use(session)
  } finally {
    clearInterval(timer)
  }
}
