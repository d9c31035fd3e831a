/**
 * Why a request could not be met, in words that no protocol owns; each protocol maps them to its own codes.
 * `invalid`: the request is wrong in itself. `conflict`: it does not fit the present state.
 * `exists`: the name is taken. `limit`: too large or too many. `unavailable`: try again later. `quota`: this caller asked too often. `full`: no space is left.
 */
export type ProblemCode =
  | 'invalid'
  | 'not-found'
  | 'exists'
  | 'conflict'
  | 'forbidden'
  | 'unauthenticated'
  | 'limit'
  | 'full'
  | 'unavailable'
  | 'quota'
  | 'timeout'
  | 'unsupported'

/** Messages name what was sent, which may be a megabyte; nobody reads on after this many characters. */
const MESSAGE_CHARS_MAX = 8000

/** An expected failure: its message says what happened, to what, and what to do next. A bug is a plain `Error`. */
export class Problem extends Error {
  readonly code: ProblemCode
  readonly details: Readonly<Record<string, unknown>>

  constructor(code: ProblemCode, message: string, details: Readonly<Record<string, unknown>> = {}) {
    super(message.length > MESSAGE_CHARS_MAX ? `${message.slice(0, MESSAGE_CHARS_MAX)}…` : message)
    this.name = 'Problem'
    this.code = code
    this.details = details
  }
}

/** The message of anything thrown. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown)
}
