import { Problem } from '#base/problem'
import type { Place } from '#tracking'

/** Where a page starts and how much it holds. */
export function pageIn(
  { max_results, page_token }: { max_results?: number; page_token?: string },
  limits: { byDefault: number; most: number },
): { limit: number; after: Place | undefined } {
  const limit = max_results ?? limits.byDefault
  if (limit < 1 || limit > limits.most)
    throw new Problem(
      'invalid',
      `Invalid value ${limit} for parameter 'max_results' supplied: it must be from 1 to ${limits.most}`,
    )
  return { limit, after: placeIn(page_token) }
}

/** The token of the page that follows; the last page has none. Any server of the same store can read it. */
export function tokenOf(next: Place | null): { next_page_token?: string } {
  if (next === null) return {}
  return { next_page_token: Buffer.from(JSON.stringify({ after: next })).toString('base64url') }
}

function placeIn(token: string | undefined): Place | undefined {
  if (token === undefined || token === '') return undefined
  try {
    const { after } = JSON.parse(Buffer.from(token, 'base64url').toString()) as { after: unknown }
    if (Array.isArray(after) && after.every(isPlain)) return after
  } catch {
    // Told below, with the token that was no token.
  }
  throw new Problem(
    'invalid',
    `Invalid page token ${JSON.stringify(token.slice(0, 100))}; use the one that the previous page gave`,
  )
}

function isPlain(value: unknown): value is Place[number] {
  if (typeof value === 'string') return !value.includes('\0')
  return value === null || (typeof value === 'number' && Number.isFinite(value))
}
