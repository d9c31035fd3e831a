import type { Clock } from '#base/clock'

/** A server whose connection was lost is back within this time, or is held to have ended. */
const ABSENT_MS = 2000

/** Gives a function that is told who is absent, again and again, and gives those who have been for long. */
export function absences(clock: Clock): (names: readonly string[]) => string[] {
  let since = new Map<string, number>()
  return (names) => {
    const nowMs = clock.nowMs()
    since = new Map(names.map((name) => [name, since.get(name) ?? nowMs]))
    return names.filter((name) => nowMs - (since.get(name) ?? nowMs) >= ABSENT_MS)
  }
}
