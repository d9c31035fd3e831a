import { invariant } from '#base/invariant'
import { normalQuantile } from './distributions.ts'
import type { Label } from './ranking.ts'

/** The nearest that a probability comes to 0 or 1 in a logarithm. */
const EPSILON = Number.EPSILON

/** Mean negative log-likelihood, in nats. */
export function logLoss(labels: readonly Label[], probabilities: readonly number[]): number {
  return meanOf(labels, probabilities, (label, given) => {
    const probability = Math.min(1 - EPSILON, Math.max(EPSILON, given))
    return label === 1 ? -Math.log(probability) : -Math.log1p(-probability)
  })
}

/** Mean squared error of the probabilities. */
export function brier(labels: readonly Label[], probabilities: readonly number[]): number {
  return meanOf(labels, probabilities, (label, probability) => (probability - label) ** 2)
}

/** Expected calibration error over equally wide bins: (0, 0.1], (0.1, 0.2] and so on; 0 goes to the first. */
export function expectedCalibrationError(
  labels: readonly Label[],
  probabilities: readonly number[],
  binCount = 10,
): number {
  const off = new Float64Array(binCount)
  for (const [index, probability] of probabilities.entries()) {
    const bin = Math.min(binCount - 1, Math.max(0, Math.ceil(probability * binCount) - 1))
    off[bin] = (off[bin] as number) + (labels[index] as number) - probability
  }
  return off.reduce((all, each) => all + Math.abs(each), 0) / probabilities.length
}

/**
 * Calibration in the large: how much higher the probabilities are on average than the event is frequent. Each
 * row's error counts as one observation of it.
 */
export function calibrationInTheLarge(
  labels: readonly Label[],
  probabilities: readonly number[],
  confidence = 0.95,
): { predicted: number; observed: number; difference: number; ciLow: number; ciHigh: number } {
  const predicted = meanOf(labels, probabilities, (_, probability) => probability)
  const observed = meanOf(labels, probabilities, (label) => label)
  const difference = predicted - observed
  const squares = meanOf(
    labels,
    probabilities,
    (label, probability) => (probability - label - difference) ** 2,
  )
  const half =
    normalQuantile(1 - (1 - confidence) / 2) * Math.sqrt(squares / Math.max(1, labels.length - 1))
  return {
    predicted,
    observed,
    difference,
    ciLow: difference - half,
    ciHigh: difference + half,
  }
}

function meanOf(
  labels: readonly Label[],
  probabilities: readonly number[],
  term: (label: Label, probability: number) => number,
): number {
  invariant(labels.length === probabilities.length, 'each label has a probability')
  invariant(labels.length > 0, 'a mean is of something')
  let all = 0
  for (const [index, label] of labels.entries()) all += term(label, probabilities[index] as number)
  return all / labels.length
}
