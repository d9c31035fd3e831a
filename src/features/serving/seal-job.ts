import type { NewJob } from '#work'
import type { SegmentKind } from './store.ts'

export const SEAL = 'seal-segment'

export function sealJob(
  { endpoint, kind }: { endpoint: string; kind: SegmentKind },
  id: string,
): NewJob {
  return { kind: SEAL, key: `${SEAL} ${endpoint} ${kind} ${id}`, payload: { endpoint, kind } }
}
