import { normalSf } from '#statistics'
import type { Cells, Losses } from './losses.ts'

/**
 * The chance that so many rows, drawn from all without looking, lose as much as these. Of wrong and right
 * answers: Hoeffding's bound (1963) for draws without replacement, which is never too small, also where few are
 * wrong. Of any other loss: the rank-sum test, which one huge loss does not sway.
 */
export function chanceOfMore(losses: Losses, { rows, sum, ranks }: Cells): number {
  const all = losses.values.length
  if (rows === 0 || rows === all) return 1
  if (losses.isBinary) return boundOf(sum / rows, losses.sum / all, rows)
  const spread = ((rows * (all - rows)) / 12) * (all + 1 - losses.ties / (all * (all - 1)))
  if (spread <= 0) return 1
  return normalSf((ranks - (rows * (all + 1)) / 2) / Math.sqrt(spread))
}

function boundOf(share: number, expected: number, rows: number): number {
  if (share <= expected) return 1
  const apart =
    (share === 0 ? 0 : share * Math.log(share / expected)) +
    (share === 1 ? 0 : (1 - share) * Math.log((1 - share) / (1 - expected)))
  return Math.exp(-rows * apart)
}
