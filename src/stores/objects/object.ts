import { Problem } from '#base/problem'

/** As many as an S3 server lists at once. */
export const LISTED_MAX = 1000

/** Whether this is a SHA-256 in hex digits; nothing else ever becomes a part of a path. */
export function isDigest(text: string): boolean {
  return /^[0-9a-f]{64}$/.test(text)
}

/** Throws `invalid` for bytes that are not the expected ones. */
export function assertExpected(digest: string, expected: string | undefined): void {
  if (expected !== undefined && digest !== expected)
    throw new Problem(
      'invalid',
      `the bytes have the digest ${digest}, not ${expected}; send them again`,
    )
}
