import { aucOf, type Label } from '#statistics'
import { isotonicOf, onCurve, type Isotonic } from './isotonic.ts'
import { stratifiedSplits } from './splits.ts'

/** A ranking this good leaves nothing to calibrate. */
const PERFECT = 0.999

const SPLITS = { count: 10, testShare: 0.1, seed: 42 }

const BIN_COUNT = 10

/** The curve that makes scores into probabilities; null where they are better left as they are. */
export function calibratorOf(scores: Float64Array, truth: ArrayLike<number>): Isotonic | null {
  return isImprovedByCalibration(scores, truth) ? isotonicOf(scores, truth) : null
}

export function probabilities(calibrator: Isotonic | null, scores: Float64Array): Float64Array {
  return calibrator === null ? scores : onCurve(calibrator, scores)
}

/** Whether a calibrator that has not seen the rows brings their scores nearer to how often the event came. */
function isImprovedByCalibration(scores: Float64Array, truth: ArrayLike<number>): boolean {
  const auc = aucOf(Array.from(truth) as Label[], Array.from(scores))?.auc
  if (auc === undefined || auc > PERFECT) return false
  const raw: number[] = []
  const calibrated: number[] = []
  const events: number[] = []
  for (const { train, test } of stratifiedSplits(truth, SPLITS)) {
    const curve = isotonicOf(at(scores, train), at(truth, train))
    const held = at(scores, test)
    raw.push(...held)
    calibrated.push(...onCurve(curve, held))
    events.push(...at(truth, test))
  }
  return calibrationError(raw, events) > calibrationError(calibrated, events)
}

/** Mean distance of what is said from what came, over bins of equally many rows. */
function calibrationError(said: readonly number[], events: readonly number[]): number {
  const bins = said.length <= 2 * BIN_COUNT ? said.length >> 1 : BIN_COUNT
  const width = Math.floor(said.length / bins)
  const order = [...said.keys()].toSorted(
    (one, other) => (said[one] as number) - (said[other] as number),
  )
  let all = 0
  // A remainder makes one edge more, of which the last takes the place: as NannyML cuts.
  const edges: number[] = []
  for (let edge = 0; edge <= said.length; edge += width) edges.push(edge)
  edges[edges.length - 1] = said.length
  for (const [index, from] of edges.slice(0, -1).entries()) {
    let off = 0
    for (const row of order.slice(from, edges[index + 1]))
      off += (said[row] as number) - (events[row] as number)
    all += Math.abs(off)
  }
  return all / said.length
}

function at(values: ArrayLike<number>, rows: Uint32Array): Float64Array {
  return Float64Array.from(rows, (row) => values[row] as number)
}
