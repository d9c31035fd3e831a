import type { BackfillDate, ShownBackfill } from '#automation'
import { timeOf } from './policy-wire.ts'

export type BackfillWire = ReturnType<typeof backfillToWire>
export type BackfillDateWire = ReturnType<typeof dateToWire>

export function backfillToWire({ fromMs, toMs, createdMs, endedMs, ...backfill }: ShownBackfill) {
  return {
    ...backfill,
    from: timeOf(fromMs),
    to: timeOf(toMs),
    created: timeOf(createdMs),
    ended: endedMs === null ? null : timeOf(endedMs),
  }
}

export function dateToWire({
  startMs,
  endMs,
  number,
  state,
  tries,
  request,
  reason,
}: BackfillDate) {
  return { number, start: timeOf(startMs), end: timeOf(endMs), state, tries, request, reason }
}
