import { Problem } from '#base/problem'

const DAY_MS = 86_400_000

/** What a moment may be written as, for the description of the API. */
export const MOMENT =
  'A moment as RFC 3339 or in milliseconds since 1970; a date alone is the end of that day, UTC.'

/** The moment in milliseconds. Throws `invalid` for a text that is none. */
export function momentIn(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text)
  const atMs = Date.parse(text)
  if (/^\d{4}-\d\d-\d\d$/.test(text) && !Number.isNaN(atMs)) return atMs + DAY_MS - 1
  if (/^\d{4}-\d\d-\d\dT\d\d:\d\d/.test(text) && !Number.isNaN(atMs)) return atMs
  throw new Problem(
    'invalid',
    `as_of is ${JSON.stringify(text.slice(0, 100))}; write a date such as 2026-05-01, a moment such as 2026-05-01T12:00:00Z, or milliseconds since 1970`,
  )
}
