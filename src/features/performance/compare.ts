import { compareAucs, normalQuantile, normalSf, type Label } from '#statistics'
import { seededDraws } from '#base/seeded'
import { answersOf } from './answers.ts'
import { betterOf, metricOf } from './catalogue.ts'
import { taskOf } from './infer.ts'
import { measure } from './measure.ts'
import { classOf } from './outputs.ts'
import { subsetOf } from './subset.ts'
import type { AnsweredRow, Answers, Roles } from './tasks.ts'

/** How a metric of one version's answers compares with that of another's to the same rows. */
export interface PairedComparison {
  readonly metric: string
  readonly rows: number
  /** Rows of the event; null where there are not two classes. */
  readonly positives: number | null
  readonly candidate: number
  readonly champion: number
  /** How much better the candidate is, whichever way is better. */
  readonly difference: number
  readonly ciLow: number
  readonly ciHigh: number
  /** That it is better by more than was asked for: one-sided, 0 to 1. */
  readonly confidence: number
}

/** How often rows are drawn anew. */
const RESAMPLES = 400

/** The spread of so many rows is scaled to that of all. */
const DRAWN_MAX = 2000

const LEVEL = 0.95

/**
 * Compares both on the rows that both have answered. ROC-AUC by DeLong's variance, all else by the spread of the
 * difference over samples of the rows, which both are measured on together. Gives a reason where that cannot be.
 */
export function comparePerformance(
  rows: readonly Omit<AnsweredRow, 'outputs'>[],
  outputs: Record<'candidate' | 'champion', readonly AnsweredRow['outputs'][]>,
  { roles = {}, metric: said, by = 0 }: { roles?: Roles; metric: string; by?: number },
): PairedComparison | string {
  const answered = (given: readonly AnsweredRow['outputs'][]): AnsweredRow[] =>
    rows.map((row, at) => ({ ...row, outputs: given[at] ?? {} }))
  const [fresh, old] = [answered(outputs.candidate), answered(outputs.champion)]
  const task = rankedAs(rows, said) ?? taskOf(old, roles)?.task
  if (task === undefined) return 'no prediction has a label yet'
  const metric = metricOf(task, said, roles.k)
  if (metric === undefined) return `${task} has no metric ${said}`
  const pair = paired(answersOf(fresh, task, roles), answersOf(old, task, roles))
  const of = { metric, k: roles.k }
  const [candidate, champion] = [valueOf(pair.candidate, of), valueOf(pair.champion, of)]
  if (candidate === null || champion === null)
    return `${metric} cannot be measured on the ${pair.champion.rows.length} labelled predictions that both answer`
  const gain = gainBy(betterOf(task, metric))
  const difference = gain(candidate, champion)
  const deviation =
    metric === 'roc_auc'
      ? (aucDeviation(pair) ?? 0)
      : deviationOf(pair, (one, other) => gain(valueOf(one, of), valueOf(other, of)))
  const half = normalQuantile(1 - (1 - LEVEL) / 2) * deviation
  return {
    metric,
    rows: pair.champion.rows.length,
    positives: positivesIn(pair.champion),
    candidate,
    champion,
    difference,
    ciLow: difference - half,
    ciHigh: difference + half,
    confidence: confidenceIn(difference - by, deviation),
  }
}

/** Scores of any size rank two classes: whoever asks for ROC-AUC means that. */
function rankedAs(
  rows: readonly Pick<AnsweredRow, 'label'>[],
  metric: string,
): 'binary' | undefined {
  const isRanked = metric === 'roc_auc' && rows.length > 0
  return isRanked && rows.every(({ label }) => classOf(label) !== undefined) ? 'binary' : undefined
}

interface Pair {
  readonly candidate: Answers
  readonly champion: Answers
}

/** Both without what only one of them has answered. */
function paired(candidate: Answers, champion: Answers): Pair {
  return {
    candidate: alsoIn(champion, candidate),
    champion: alsoIn(candidate, champion),
  }
}

function alsoIn(other: Answers, own: Answers): Answers {
  const known = new Set(other.rows)
  const places = [...own.rows.keys()].filter((at) => known.has(own.rows[at] as number))
  return subsetOf(own, Uint32Array.from(places))
}

function valueOf(answers: Answers, by: { metric: string; k: number | undefined }): number | null {
  const { metric, k } = by
  const asked = { only: [metric], ...(k === undefined ? {} : { k }) }
  return Object.values(measure({ ...answers, bare: true }, asked))[0]?.value ?? null
}

/** More is better, or less, or what is nearer to a number. */
function gainBy(better: 'higher' | 'lower' | number) {
  const worth = (value: number) =>
    better === 'higher' ? value : better === 'lower' ? -value : -Math.abs(value - better)
  return (candidate: number | null, champion: number | null) =>
    candidate === null || champion === null ? Number.NaN : worth(candidate) - worth(champion)
}

function aucDeviation({ candidate, champion }: Pair): number | undefined {
  if (candidate.task !== 'binary' || champion.task !== 'binary') return undefined
  if (candidate.scores === null || champion.scores === null) return undefined
  const labels = [...champion.truths] as Label[]
  const scores = { candidate: [...candidate.scores], champion: [...champion.scores] }
  const found = compareAucs({ labels, ...scores })
  const half = normalQuantile(1 - (1 - LEVEL) / 2)
  return found === undefined ? undefined : (found.ciHigh - found.difference) / half
}

/** Both are drawn together; of rankings whole groups are, for a row alone has no rank. */
function deviationOf(pair: Pair, gain: (one: Answers, other: Answers) => number): number {
  const units = unitsOf(pair.champion)
  const drawn = Math.min(units.length, DRAWN_MAX)
  const draw = seededDraws(units.length)
  const gains: number[] = []
  for (let sample = 0; sample < RESAMPLES; sample++) {
    const chosen = Array.from({ length: drawn }, () => Math.floor(draw() * units.length))
    const places = chosen.map((unit) => units[unit] ?? [])
    const found = gain(sampleOf(pair.candidate, places), sampleOf(pair.champion, places))
    if (Number.isFinite(found)) gains.push(found)
  }
  if (gains.length < RESAMPLES / 2) return Infinity
  const mean = gains.reduce((all, each) => all + each, 0) / gains.length
  const squares = gains.reduce((all, each) => all + (each - mean) ** 2, 0)
  return Math.sqrt(squares / (gains.length - 1)) * Math.sqrt(drawn / units.length)
}

function unitsOf(answers: Answers): number[][] {
  if (answers.task !== 'ranking') return [...answers.rows.keys()].map((place) => [place])
  const groups = new Map<number, number[]>()
  for (const [place, group] of answers.groups.entries()) {
    const places = groups.get(group) ?? []
    places.push(place)
    groups.set(group, places)
  }
  return [...groups.values()]
}

function sampleOf(answers: Answers, units: readonly (readonly number[])[]): Answers {
  const sample = subsetOf(answers, Uint32Array.from(units.flat()))
  if (sample.task !== 'ranking') return sample
  // A group that is drawn twice is two groups.
  const groups = Int32Array.from(units.flatMap((unit, at) => unit.map(() => at)))
  return { ...sample, groups }
}

function positivesIn(answers: Answers): number | null {
  if (answers.task !== 'binary') return null
  return answers.truths.reduce((all, each) => all + each, 0)
}

function confidenceIn(excess: number, deviation: number): number {
  if (deviation === 0) return excess > 0 ? 1 : excess < 0 ? 0 : 0.5
  return normalSf(-excess / deviation)
}
