import type { Coded, Literal } from './columns.ts'
import type { Cells, Losses } from './losses.ts'

/** Sums for every combination of bins of one to three columns, made in one pass over the rows. */
export function cubeOf(
  columns: readonly Coded[],
  losses: Losses,
): {
  within(literals: readonly Literal[]): Cells
} {
  const [one, two, three] = columns
  const width = two?.binCount ?? 1
  const depth = three?.binCount ?? 1
  const size = (one?.binCount ?? 1) * width * depth
  const rows = new Float64Array(size)
  const sums = new Float64Array(size)
  const ranks = new Float64Array(size)
  for (const [row, loss] of losses.values.entries()) {
    const place =
      ((one?.bins[row] ?? 0) * width + (two?.bins[row] ?? 0)) * depth + (three?.bins[row] ?? 0)
    rows[place] = (rows[place] as number) + 1
    sums[place] = (sums[place] as number) + loss
    ranks[place] = (ranks[place] as number) + (losses.ranks[row] as number)
  }
  return {
    within: ([first, second = WHOLE, third = WHOLE]) => {
      const all = { rows: 0, sum: 0, ranks: 0 }
      for (let i = first?.from ?? 0; i <= (first?.to ?? 0); i++)
        for (let j = second.from; j <= second.to; j++)
          for (let k = third.from; k <= third.to; k++) {
            const place = (i * width + j) * depth + k
            all.rows += rows[place] as number
            all.sum += sums[place] as number
            all.ranks += ranks[place] as number
          }
      return all
    },
  }
}

/** The one bin of a column that is not there. */
const WHOLE = { from: 0, to: 0 }
