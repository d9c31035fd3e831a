import canonicalize from 'canonicalize'
import { invariant } from './invariant.ts'

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
