/** The last moment that there is a date for. */
const LAST_MS = 8.64e15

/** A time as sentences have it. */
export function minuteOf(ms: number): string {
  if (Math.abs(ms) > LAST_MS) return 'the end of time'
  return `${new Date(ms).toISOString().slice(0, 16).replace('T', ' ')} UTC`
}
