import { isUtf8 } from 'node:buffer'
import canonicalize from 'canonicalize'
import { invariant } from './invariant.ts'
import { Problem } from './problem.ts'

export type Json =
  | null
  | boolean
  | number
  | string
  | readonly Json[]
  | { readonly [key: string]: Json }

/** The one JSON text of a value (RFC 8785, JCS): what is hashed and signed. */
export function canonicalJson(value: unknown): string {
  const text = canonicalize(value)
  invariant(text !== undefined, 'only JSON values are hashed')
  return text
}

/** The text of a body. Throws `invalid` for bytes that are no UTF-8: read nevertheless, they would be kept as other text than was sent. */
export function textOf(bytes: Buffer): string {
  if (!isUtf8(bytes)) throw new Problem('invalid', 'the body is not UTF-8; send it so encoded')
  return bytes.toString('utf8')
}

/**
 * Throws `invalid` when a text within the value, which was read from that JSON, holds half of a surrogate pair. No
 * database can keep it, and it has no canonical form that could be signed.
 */
export function assertUnicode(value: unknown, json: string): void {
  // Only an escape can bring half a pair into what was UTF-8, and hardly any body has one.
  if (!json.includes('\\u') || !/\\u[dD][89a-fA-F]/.test(json)) return
  const rest: unknown[] = [value]
  // Without calls to itself, because a body may be deep.
  for (let next = rest.pop(); next !== undefined; next = rest.pop()) {
    if (typeof next === 'string' && !next.isWellFormed())
      throw new Problem(
        'invalid',
        `the body holds half of a surrogate pair, in ${JSON.stringify(next.slice(0, 100))}; send whole characters`,
      )
    if (typeof next !== 'object' || next === null) continue
    for (const [key, inner] of Object.entries(next)) rest.push(key, inner)
  }
}
