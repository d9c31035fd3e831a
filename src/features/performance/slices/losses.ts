import { midranks } from '#statistics'

/** What each row lost, with what tests of it need, made once. */
export interface Losses {
  readonly values: Float64Array
  /** From 1; equal losses share the mean of theirs. */
  readonly ranks: Float64Array
  /** Sum of t³ − t over groups of t equal losses. */
  readonly ties: number
  readonly sum: number
  /** Standard deviation of the ranks. */
  readonly rankStd: number
  /** Nothing but 0 and 1. */
  readonly isBinary: boolean
}

/** What rows of a slice add up to. */
export interface Cells {
  readonly rows: number
  readonly sum: number
  /** Sum of the ranks of their losses among all. */
  readonly ranks: number
}

export function lossesOf(loss: ArrayLike<number>): Losses {
  const values = Float64Array.from(loss)
  const ranks = midranks(values)
  const sum = values.reduce((all, value) => all + value, 0)
  const middle = (values.length + 1) / 2
  const squares = ranks.reduce((all, rank) => all + (rank - middle) ** 2, 0)
  return {
    values,
    ranks,
    ties: tiesIn(ranks),
    sum,
    rankStd: Math.sqrt(squares / values.length),
    isBinary: values.every((value) => value === 0 || value === 1),
  }
}

function tiesIn(ranks: Float64Array): number {
  const groups = new Map<number, number>()
  for (const rank of ranks) groups.set(rank, (groups.get(rank) ?? 0) + 1)
  let all = 0
  for (const count of groups.values()) all += count ** 3 - count
  return all
}
