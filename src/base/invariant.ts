/** Stops at a broken assumption, near its cause. A failure here is a bug, never the caller's mistake. */
export function invariant(holds: unknown, what: string): asserts holds {
  if (!holds) throw new Error(`invariant broken: ${what}`)
}
