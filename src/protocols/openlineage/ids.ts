import { createHash } from 'node:crypto'

/** The UUID (version 8) by which a run of ours is told: always the same for the same run. */
export function runUuid(kind: 'pipeline' | 'stage', id: string): string {
  const hex = createHash('sha256').update(`orrery ${kind} ${id}`).digest('hex')
  const variant = '89ab'[Number.parseInt(hex[16] ?? '0', 16) % 4] ?? '8'
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    `${variant}${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join('-')
}
