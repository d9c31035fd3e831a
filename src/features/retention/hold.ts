import { Problem } from '#base/problem'
import { wordsOf, type Thing } from './thing.ts'

/** Somebody's word that a thing must stay: it may be deleted and restored, and is not purged. */
export interface Hold {
  readonly id: string
  readonly target: Thing
  readonly reason: string
  readonly placedBy: string
  readonly placedMs: number
  /** When it ends by itself; null for one that somebody has to lift. */
  readonly untilMs: number | null
}

export const REASON_CHARS_MAX = 2000

export function checkedHold(hold: Hold): Hold {
  const reason = hold.reason.trim()
  if (reason === '' || reason.length > REASON_CHARS_MAX || reason.includes('\0'))
    throw new Problem(
      'invalid',
      `the reason of a hold has 1 to ${REASON_CHARS_MAX} characters; say why ${wordsOf(hold.target)} must stay`,
    )
  if (hold.untilMs !== null && hold.untilMs <= hold.placedMs)
    throw new Problem('invalid', 'the hold would be over before it begins; name a time to come')
  return { ...hold, reason }
}

export function isInForce({ untilMs }: Hold, nowMs: number): boolean {
  return untilMs === null || untilMs > nowMs
}
