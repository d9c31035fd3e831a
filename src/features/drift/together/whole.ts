import {
  kolmogorovSmirnov,
  textDescriptors,
  textDomainClassifier,
  type TextDescriptors,
} from '#statistics'
import type { WholeRow } from './columns.ts'
import { classified, heldAgainst, thinned, type TogetherVerdict } from './judge.ts'
import { learnStructure } from './structure.ts'

/** Two tables looked at as wholes: all columns together, and texts and lists of numbers each by themselves. */
export interface WholeReport {
  readonly verdict: 'steady' | 'drifted' | 'not-applicable'
  readonly reason: string | null
  /** Rows of each side that were looked at, drawn by chance from this seed. */
  readonly sample: { readonly reference: number; readonly current: number; readonly seed: number }
  readonly together: TogetherVerdict | null
  readonly texts: readonly TextReport[]
}

export interface TextReport {
  readonly column: string
  readonly state: 'steady' | 'drifted'
  /** How well texts are told apart by their commonest words and their looks. */
  readonly auc: number
  readonly ciLow: number
  readonly ciHigh: number
  readonly rows: { readonly reference: number; readonly current: number }
  readonly descriptors: readonly {
    readonly descriptor: keyof TextDescriptors
    /** Means. */
    readonly reference: number
    readonly current: number
    /** Kolmogorov–Smirnov. */
    readonly p: number
  }[]
}

const AUC_MIN = 0.55
const TEXTS_MAX = 300

/** What is told of a column by its texts needs words: identifiers have one. */
const WORDS_MIN = 2

const DESCRIPTORS: readonly (keyof TextDescriptors)[] = [
  'length',
  'words',
  'sentences',
  'nonLetters',
  'meanWordLength',
]

export function wholeReport(
  reference: readonly WholeRow[],
  current: readonly WholeRow[],
  seed: number,
): WholeReport {
  const sample = { reference: reference.length, current: current.length, seed }
  const texts = textColumns(reference).flatMap((column) => textReport(column, reference, current))
  const rows = reference.map((values) => ({ atMs: null, values }))
  const structure = learnStructure(rows, { windowMs: Infinity })
  const held = structure === undefined ? undefined : heldAgainst(structure, current, reference)
  const together =
    structure === undefined || held === undefined
      ? null
      : {
          ...held,
          classifier:
            structure.columns.length < 2
              ? null
              : classified(structure.columns, [reference, current], { evened: false }),
        }
  const states = [
    together?.reconstruction?.state,
    together?.classifier?.state,
    ...(together?.embeddings ?? []).map(({ state }) => state),
    ...texts.map(({ state }) => state),
  ].filter((state) => state !== undefined)
  const reason =
    states.length > 0
      ? null
      : together === null
        ? 'a side has too few rows: 200 of the reference and 100 current ones are needed'
        : 'fewer than two columns vary and repeat themselves'
  const verdict = states.includes('drifted') ? 'drifted' : 'steady'
  return { verdict: reason === null ? verdict : 'not-applicable', reason, sample, together, texts }
}

function textColumns(rows: readonly WholeRow[]): string[] {
  const names = Object.keys(rows[0] ?? {})
  return names.filter((name) => {
    const texts = textsIn(rows, name)
    if (texts.length < rows.length / 2 || texts.length === 0) return false
    const words = texts.reduce((all, text) => all + textDescriptors(text).words, 0)
    return new Set(texts).size > texts.length / 2 && words / texts.length >= WORDS_MIN
  })
}

function textsIn(rows: readonly WholeRow[], name: string): string[] {
  return rows.flatMap((row) => {
    const value = row[name]
    return typeof value === 'string' ? [value] : []
  })
}

function textReport(
  column: string,
  reference: readonly WholeRow[],
  current: readonly WholeRow[],
): TextReport[] {
  const [one, other] = [reference, current].map((rows) =>
    thinned(textsIn(rows, column), TEXTS_MAX),
  ) as [string[], string[]]
  const found = textDomainClassifier(one, other)
  if (found === undefined) return []
  const { auc, ciLow, ciHigh } = found
  const looks = [one, other].map((texts) => texts.map(textDescriptors))
  const descriptors = DESCRIPTORS.map((descriptor) => {
    const [left, right] = looks.map((all) =>
      Float64Array.from(all, (look) => look[descriptor]).toSorted(),
    ) as [Float64Array, Float64Array]
    const { p } = kolmogorovSmirnov({ sorted: left }, { sorted: right })
    return { descriptor, reference: meanOf(left), current: meanOf(right), p }
  })
  const rows = { reference: one.length, current: other.length }
  const state = ciLow > AUC_MIN ? 'drifted' : 'steady'
  return [{ column, state, auc, ciLow, ciHigh, rows, descriptors }]
}

function meanOf(values: Float64Array): number {
  return values.reduce((all, each) => all + each, 0) / values.length
}
