import type { LogConfig } from '#projects'
import type { NewBatch } from './journal.ts'

/** How an endpoint's predictions are logged. */
export type LogPolicy = LogConfig

/**
 * Whether a request is among those that are logged. The same request always is or always is not, so that
 * one which is sent again falls on the same side.
 */
export function isLogged(policy: LogPolicy | null, batch: string): boolean {
  const share = policy?.sample ?? 1
  return share >= 1 || placeOf(batch) < share
}

/** A batch without what is never to be written. */
export function redacted(batch: NewBatch, policy: LogPolicy | null): NewBatch {
  if (policy === null) return batch
  if (policy.drop_inputs)
    return { ...batch, columns: [], rows: batch.rows.map((row) => ({ ...row, inputs: [] })) }
  if (policy.redact.length === 0) return batch
  const kept = batch.columns.flatMap((name, index) => (policy.redact.includes(name) ? [] : [index]))
  if (kept.length === batch.columns.length) return batch
  return {
    ...batch,
    columns: kept.map((index) => batch.columns[index] as string),
    rows: batch.rows.map((row) => ({
      ...row,
      inputs: kept.map((index) => row.inputs[index] ?? null),
    })),
  }
}

/** A number from 0 to 1, below 1, that a text always has: FNV-1a, mixed once more since texts that end alike lie close. */
function placeOf(text: string): number {
  let hash = 0x811c_9dc5
  for (let index = 0; index < text.length; index++)
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x0100_0193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85eb_ca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2_ae35)
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32
}
