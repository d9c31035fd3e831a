import type { Logged } from '#inference'
import { classOf } from '#monitoring'
import { compareAucs } from '#statistics'
import type { Json } from '#base/json'
import { seededDraws } from '#base/seeded'
import { agrees, kindOf, outcomeOf, type Kind, type Outcome, type Outputs } from './outcome.ts'
import { worstSlices, type Slice } from './slices.ts'
import { comparedMeans, quantilesOf, shareOf, type Compared, type Estimate } from './statistics.ts'

/** A logged request, what was answered then, and what the candidate answers now. */
export interface ReplayedRow {
  readonly inputs: Readonly<Record<string, Logged>>
  readonly live: Outputs
  /** The version that gave the live answer. */
  readonly answeredBy: string
  readonly candidate: Outputs
  readonly label: string | number | boolean | null
  readonly latencyMs: number
}

/** How a candidate's answers compare with those that were given. */
export interface Report {
  readonly kind: Kind
  readonly rows: number
  readonly disagreements: number
  readonly disagreement: Estimate
  /** Of the absolute difference of scores or amounts; null without any. */
  readonly difference: Difference | null
  readonly slices: readonly Slice[]
  /** Of rows whose truth is known. */
  readonly labels: number
  readonly metrics: Readonly<Record<string, Compared>>
}

export interface Difference {
  readonly mean: number
  readonly p50: number
  readonly p90: number
  readonly p99: number
  readonly max: number
}

/** Fewer labels than this give no metrics. */
const LABELS_MIN = 2

export function reportOf(
  rows: readonly ReplayedRow[],
  { tolerance, kind: asked }: { tolerance: number; kind: Kind | 'auto' },
): Report {
  const kind =
    asked === 'auto' ? kindOf(rows.flatMap(({ live, candidate }) => [live, candidate])) : asked
  const pairs = rows.map((row) => ({
    live: outcomeOf(row.live, kind),
    candidate: outcomeOf(row.candidate, kind),
  }))
  const disagrees = pairs.map(
    ({ live, candidate }) => !agrees(live, candidate, { kind, tolerance }),
  )
  const disagreements = disagrees.filter(Boolean).length
  return {
    kind,
    rows: rows.length,
    disagreements,
    disagreement: shareOf(disagreements, rows.length),
    difference: differenceOf(pairs),
    slices: worstSlices(slicedBy(rows), disagrees),
    ...measured(rows, pairs, kind),
  }
}

/** What rows are told apart by: their inputs, and who answered them where that was not always the same. */
function slicedBy(rows: readonly ReplayedRow[]): ReplayedRow['inputs'][] {
  const isOne = new Set(rows.map(({ answeredBy }) => answeredBy)).size < 2
  return rows.map(({ inputs, answeredBy }) =>
    isOne ? inputs : { 'answered by': answeredBy, ...inputs },
  )
}

interface Pair {
  readonly live: Outcome
  readonly candidate: Outcome
}

function differenceOf(pairs: readonly Pair[]): Difference | null {
  const apart = pairs.flatMap(({ live, candidate }) =>
    live.score === null || candidate.score === null ? [] : [Math.abs(live.score - candidate.score)],
  )
  if (apart.length === 0) return null
  const [p50 = 0, p90 = 0, p99 = 0, max = 0] = quantilesOf(apart, [0.5, 0.9, 0.99, 1])
  return { mean: apart.reduce((total, each) => total + each, 0) / apart.length, p50, p90, p99, max }
}

function measured(
  rows: readonly ReplayedRow[],
  pairs: readonly Pair[],
  kind: Kind,
): Pick<Report, 'labels' | 'metrics'> {
  const known = rows.flatMap(({ label }, index) => {
    const pair = pairs[index]
    return label === null || pair === undefined ? [] : [{ label, ...pair }]
  })
  if (known.length < LABELS_MIN) return { labels: known.length, metrics: {} }
  return {
    labels: known.length,
    metrics: kind === 'regression' ? amountMetrics(known) : classMetrics(known),
  }
}

type Known = Pair & { readonly label: string | number | boolean }

function amountMetrics(known: readonly Known[]): Record<string, Compared> {
  const scored = known.filter(
    ({ label, live, candidate }) =>
      Number.isFinite(Number(label)) && live.score !== null && candidate.score !== null,
  )
  if (scored.length < LABELS_MIN) return {}
  const errors = (of: (each: Known) => Outcome) =>
    scored.map((each) => (of(each).score ?? 0) - Number(each.label))
  const candidate = errors((each) => each.candidate)
  const live = errors((each) => each.live)
  const squares = { candidate: candidate.map((e) => e ** 2), live: live.map((e) => e ** 2) }
  const sizes = { candidate: candidate.map(Math.abs), live: live.map(Math.abs) }
  return {
    rmse: comparedMeans(squares, { draw: seededDraws(1), of: Math.sqrt }),
    mae: comparedMeans(sizes, { draw: seededDraws(1) }),
  }
}

function classMetrics(known: readonly Known[]): Record<string, Compared> {
  const isRight = (of: (each: Known) => Outcome) =>
    known.map((each) => Number(isSameClass(of(each).label, each.label)))
  const right = { candidate: isRight((each) => each.candidate), live: isRight((each) => each.live) }
  return {
    accuracy: comparedMeans(right, { draw: seededDraws(1) }),
    ...scoreMetrics(known),
  }
}

/** 1, true, "1" and "true" are one class. */
function isSameClass(said: string | null, label: string | number | boolean): boolean {
  if (said === null) return false
  const known = classOf(label)
  return said === String(label) || (known !== undefined && classOf(said) === known)
}

/** What needs a score for one of two classes. */
function scoreMetrics(known: readonly Known[]): Record<string, Compared> {
  const labels = known.flatMap(({ label }) => classOf(label) ?? [])
  const candidate = known.flatMap((each) => each.candidate.score ?? [])
  const live = known.flatMap((each) => each.live.score ?? [])
  const isWhole = [labels, candidate, live].every((each) => each.length === known.length)
  const aucs = isWhole ? compareAucs({ labels, candidate, champion: live }) : undefined
  if (aucs === undefined) return {}
  const { difference, ciLow, ciHigh } = aucs
  const roc_auc = {
    candidate: aucs.candidate,
    live: aucs.champion,
    difference: { value: difference, low: ciLow, high: ciHigh },
  }
  if (![...candidate, ...live].every((score) => score >= 0 && score <= 1)) return { roc_auc }
  const losses = (scores: readonly number[]) =>
    scores.map((score, index) => lossOf(labels[index] === 1 ? score : 1 - score))
  const terms = { candidate: losses(candidate), live: losses(live) }
  return { roc_auc, log_loss: comparedMeans(terms, { draw: seededDraws(1) }) }
}

/** As scikit-learn has it: a probability of 0 costs much, but not everything. */
function lossOf(probability: number): number {
  return -Math.log(Math.max(probability, Number.EPSILON))
}

/** The report as facts and checks carry it. */
export function summaryOf(report: Report): Readonly<Record<string, Json>> {
  const { kind, rows, disagreements, disagreement, labels } = report
  return {
    kind,
    rows,
    disagreements,
    disagreement: disagreement.value,
    ciLow: disagreement.low,
    ciHigh: disagreement.high,
    labels,
  }
}
