import type { LogConfig } from '#projects'
import type { NewBatch } from './journal.ts'
import { unitHash } from './routing/routing.ts'

/** How an endpoint's predictions are logged. */
export type LogPolicy = LogConfig

/**
 * Whether a request is among those that are logged. The same request always is or always is not, so that
 * one which is sent again falls on the same side.
 */
export function isLogged(policy: LogPolicy | null, batch: string): boolean {
  const share = policy?.sample ?? 1
  // Apart from the hash by which a request is routed, or some revisions would be logged more than others.
  return share >= 1 || unitHash(`log ${batch}`) < share
}

/** Whether some of what is asked is never to be written. */
export function leavesOut(policy: LogPolicy | null): boolean {
  return policy !== null && (policy.drop_inputs || policy.redact.length > 0)
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
