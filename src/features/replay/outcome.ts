import { scoreOf } from '#monitoring'
import type { Logged } from '#inference'

/** What answers are compared as: classes that are the same or not, or amounts that lie apart. */
export type Kind = 'classification' | 'regression'

export type Outputs = Readonly<Record<string, Logged>>

/** What one model said to one row. */
export interface Outcome {
  /** The class, as a text; null where the model names none. */
  readonly label: string | null
  /** The number that ranks or that is the amount. */
  readonly score: number | null
}

/** More different whole numbers than this are amounts. */
const CLASSES_MAX = 20

/** What kind the answers are: lists of scores, texts and truth values are of classifiers, fractions are amounts. */
export function kindOf(answers: readonly Outputs[]): Kind {
  const values = new Set<unknown>()
  for (const answer of answers)
    for (const value of Object.values(answer)) {
      if (Array.isArray(value) || typeof value === 'boolean') return 'classification'
      if (typeof value === 'string' && Number.isNaN(Number(value))) return 'classification'
      if (typeof value === 'number' && !Number.isInteger(value)) return 'regression'
      values.add(value)
    }
  return values.size <= CLASSES_MAX ? 'classification' : 'regression'
}

export function outcomeOf(outputs: Outputs, kind: Kind): Outcome {
  const found = scoreOf(outputs)
  const score = found !== undefined && Number.isFinite(found) ? found : null
  return { label: kind === 'regression' ? null : labelOf(outputs), score }
}

/** The class that is named beside the scores, or the place of the largest score. */
function labelOf(outputs: Outputs): string | null {
  const values = Object.values(outputs)
  const named = values.find((value) => isName(value))
  if (named !== undefined) return String(named)
  const scores = values.find((value): value is readonly number[] => Array.isArray(value))
  const [only, ...more] = scores ?? values
  if (typeof only !== 'number') return null
  // A single score is that of the second of two classes.
  if (more.length === 0) return only > 0.5 ? '1' : '0'
  const numbers = (scores ?? []).map(Number)
  return numbers.length === 0 ? null : String(numbers.indexOf(Math.max(...numbers)))
}

function isName(value: Logged): boolean {
  if (typeof value === 'number') return Number.isInteger(value)
  return typeof value === 'string' || typeof value === 'boolean'
}

/** Amounts that differ by no more than rounding, or by what is tolerated. */
export function agrees(
  one: Outcome,
  other: Outcome,
  { kind, tolerance }: { kind: Kind; tolerance: number },
): boolean {
  if (kind === 'classification') return one.label === other.label
  if (one.score === null || other.score === null) return one.score === other.score
  const room = Math.max(tolerance, ROUNDING * Math.max(Math.abs(one.score), Math.abs(other.score)))
  return Math.abs(one.score - other.score) <= room
}

/** Batches of another size round the last digits of single precision otherwise. */
const ROUNDING = 1e-6
