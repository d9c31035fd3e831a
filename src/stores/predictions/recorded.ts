import BetterSqlite from 'better-sqlite3'
import { existsSync } from 'node:fs'
import type { Ingested, JournalPosition, RecordedBatch } from '#inference'
import { batchReader } from './batches.ts'
import { blockFinder } from './block-codec.ts'
import { hotReader } from './hot.ts'

/**
 * What another process may know of the log while the server owns it: how far the journal has been taken
 * over, and batches. It only reads, and goes on when the server is gone.
 */
export function openRecorded(dependencies: {
  file: string
  /** Gives a batch whose rows are in a segment, or may be in a block; only the server opens those. */
  sealed: (id: string) => Promise<RecordedBatch | undefined>
}): Ingested & { close(): void } {
  const { file, sealed } = dependencies
  let opened: ReturnType<typeof open> | undefined
  // Before the server's first start there is no log.
  const known = () => (opened ??= existsSync(file) ? open(file) : undefined)
  return {
    position: () => known()?.position() ?? { file: 0, offset: 0 },
    findBatch: async (id) => {
      const log = known()
      if (log === undefined) return undefined
      return log.isSealed(id) || log.isInBlock(id) ? sealed(id) : log.findBatch(id)
    },
    close: () => opened?.close(),
  }
}

function unopened(): never {
  throw new Error('blocks are opened by the server alone')
}

function open(file: string) {
  const connection = new BetterSqlite(file, { readonly: true, fileMustExist: true })
  connection.pragma('busy_timeout = 10000')
  const position = connection.prepare('select file, offset from journal')
  const hot = hotReader(connection, unopened)
  const { findBatch, isSealed } = batchReader(connection, {
    segments: { rows: async () => [] },
    hot,
  })
  const blocks = blockFinder(connection)
  return {
    position: () => position.get() as JournalPosition,
    isInBlock: (id: string) => blocks(id).length > 0,
    findBatch,
    isSealed,
    close: () => connection.close(),
  }
}
