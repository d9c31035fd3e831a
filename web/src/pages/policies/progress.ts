import type { BackfillWire } from '#protocols/api/backfill-wire'
import { count } from '#web/ui/format.ts'

/** `12 of 31, 2 failed`. */
export function progress(counts: BackfillWire['counts']): string {
  const { waiting, running, succeeded, failed, cancelled } = counts
  const all = waiting + running + succeeded + failed + cancelled
  return [
    `${count(succeeded)} of ${count(all)}`,
    ...(failed > 0 ? [`${count(failed)} failed`] : []),
    ...(cancelled > 0 ? [`${count(cancelled)} cancelled`] : []),
  ].join(', ')
}

/** A date of a range in UTC, with its time where it has one: `2026-01-31`, `2026-01-31 06:15`. */
export function dayIn(time: string): string {
  const hour = time.slice(11, 16)
  return hour === '00:00' ? time.slice(0, 10) : `${time.slice(0, 10)} ${hour}`
}
