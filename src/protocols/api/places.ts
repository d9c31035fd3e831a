import { Problem } from '#base/problem'
import type { Place } from '#tracking'

/** A place in a search as a token of its next page; any server of the same store reads it. */
export function tokenOf(place: Place | null): string | null {
  return place === null ? null : Buffer.from(JSON.stringify(place)).toString('base64url')
}

/** Throws `invalid` for a text that is no token. */
export function placeIn(token: string | undefined): Place | undefined {
  if (token === undefined || token === '') return undefined
  try {
    const place: unknown = JSON.parse(Buffer.from(token, 'base64url').toString())
    if (Array.isArray(place) && place.every(isPlain)) return place
  } catch {
    // Told below, with the token that was no token.
  }
  throw new Problem(
    'invalid',
    `${JSON.stringify(token.slice(0, 100))} is no page token; use the one that the page before gave`,
  )
}

function isPlain(value: unknown): value is Place[number] {
  if (typeof value === 'string') return !value.includes('\0')
  return value === null || (typeof value === 'number' && Number.isFinite(value))
}
