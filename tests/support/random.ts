/** Chance from a seed, so that a failure can be played again. */
export interface Chance {
  /** A number in [0, 1). */
  next(): number
  /** A whole number in [from, until). */
  between(from: number, until: number): number
  pick<T>(from: readonly T[]): T
  /** Letters and digits. */
  word(length: number): string
  /** A source of its own, so that what runs at the same time does not disturb each other's order. */
  fork(): Chance
}

export function chanceOf(seed: number): Chance {
  let state = seed >>> 0
  // Mulberry32: short, and good enough for choosing what to do.
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const between = (from: number, until: number) => from + Math.floor(next() * (until - from))
  const pick = <T>(from: readonly T[]) => from[between(0, from.length)] as T
  return {
    next,
    between,
    pick,
    word: (length) => Array.from({ length }, () => between(0, 36).toString(36)).join(''),
    fork: () => chanceOf(Math.floor(next() * 2 ** 32)),
  }
}
