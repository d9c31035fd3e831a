/** How many of what was measured fell where; its bounds say where each but the last bin ends. */
export interface Histogram {
  readonly bounds: readonly number[]
  /** One more than there are bounds: the last is for what is beyond all of them. Plain numbers, each bin by itself. */
  readonly counts: readonly number[]
  readonly sum: number
}

/** A histogram that is being filled. */
export interface Filling {
  add(value: number): void
  read(): Histogram
}

/** Seconds that answers take. */
export const SECONDS = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
] as const

/** Rows that are run together. */
export const ROWS = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024] as const

export function fillHistogram(bounds: readonly number[]): Filling {
  const counts = new Float64Array(bounds.length + 1)
  let sum = 0
  return {
    add: (value) => {
      let at = 0
      while (at < bounds.length && value > (bounds[at] as number)) at += 1
      counts[at] = (counts[at] as number) + 1
      sum += value
    },
    read: () => ({ bounds, counts: [...counts], sum }),
  }
}
