import { Problem } from '#base/problem'

/** Where a page starts and how much it holds. */
export function pageIn(
  { max_results, page_token }: { max_results?: number; page_token?: string },
  limits: { byDefault: number; most: number },
): { limit: number; offset: number } {
  const limit = max_results ?? limits.byDefault
  if (limit < 1 || limit > limits.most)
    throw new Problem(
      'invalid',
      `Invalid value ${limit} for parameter 'max_results' supplied: it must be from 1 to ${limits.most}`,
    )
  return { limit, offset: offsetIn(page_token) }
}

/** The token of the page that starts at `next`; the last page has none. */
export function tokenOf(next: number | null): { next_page_token?: string } {
  if (next === null) return {}
  return { next_page_token: Buffer.from(JSON.stringify({ offset: next })).toString('base64') }
}

function offsetIn(token: string | undefined): number {
  if (token === undefined || token === '') return 0
  try {
    const { offset } = JSON.parse(Buffer.from(token, 'base64').toString()) as { offset: unknown }
    if (typeof offset === 'number' && Number.isSafeInteger(offset) && offset >= 0) return offset
  } catch {
    // Told below, with the token that was no token.
  }
  throw new Problem(
    'invalid',
    `Invalid page token ${JSON.stringify(token.slice(0, 100))}; use the one that the previous page gave`,
  )
}
