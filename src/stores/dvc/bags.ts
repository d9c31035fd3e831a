import { join } from 'node:path'
import type { BagKind } from '#data'

/** A bag's name says when it was made, so that nothing has to be written to know it. */
export function bagName(kind: BagKind, atMs: number): string {
  return join(kind, new Date(atMs).toISOString().replaceAll(':', '-'))
}

export function timeOfBag(name: string): number | undefined {
  const parts = /^(\d{4}-\d\d-\d\d)T(\d\d)-(\d\d)-(\d\d\.\d{3}Z)$/.exec(name)
  if (parts === null) return undefined
  const atMs = Date.parse(`${parts[1]}T${parts[2]}:${parts[3]}:${parts[4]}`)
  return Number.isNaN(atMs) ? undefined : atMs
}
