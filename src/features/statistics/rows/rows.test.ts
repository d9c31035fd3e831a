import { describe, expect, test } from 'vitest'
import values from '../golden/rows.json' with { type: 'json' }
import type { Column } from './column.ts'
import { domainClassifier } from './domain-classifier.ts'
import { maximumMeanDiscrepancy } from './kernel.ts'
import { learnReconstruction, reconstructionError } from './reconstruction.ts'
import { outsideVocabulary, textDescriptors, textDomainClassifier, vocabularyOf } from './text.ts'

type Table = Readonly<Record<string, readonly (string | number | null)[]>>

function columnsOf(table: Table): Column[] {
  return Object.values(table).map((column): Column =>
    column.some((value) => typeof value === 'string')
      ? { kind: 'categorical', values: column as (string | null)[] }
      : { kind: 'numeric', values: Float64Array.from(column, (value) => Number(value ?? NaN)) },
  )
}

const reference = columnsOf(values.reference)

describe("NannyML's looks at all columns at once", () => {
  test('data reconstruction, to 1e-9', () => {
    const kept = JSON.parse(JSON.stringify(learnReconstruction(reference))) as never
    for (const { current, reconstruction } of Object.values(values.cases)) {
      const { mean, samplingError } = reconstructionError(kept, columnsOf(current))
      expect(mean).toBeCloseTo(reconstruction[0] as number, 9)
      expect(samplingError).toBeCloseTo(reconstruction[1] as number, 9)
    }
  })

  test('domain classifier: AUC within 0.05, also of what only hangs together otherwise', () => {
    for (const [name, { current, classifier }] of Object.entries(values.cases)) {
      const found = domainClassifier(reference, columnsOf(current), { trees: 40 })
      expect([name, found?.auc]).toSatisfy(
        ([, auc]: [string, number]) => Math.abs(auc - classifier) < 0.05,
      )
      if (name === 'turned') expect(found?.ciLow).toBeGreaterThan(0.8)
      if (name === 'same') expect(found?.ciLow).toBeLessThan(0.5)
    }
  })
})

test('a classifier has no answer for too few rows', () => {
  const few = columnsOf({ a: [1, 2, 3] })
  expect(domainClassifier(few, few)).toBeUndefined()
})

describe('maximum mean discrepancy', () => {
  test("is Evidently's statistic", () => {
    for (const { one, other, statistic } of values.mmd)
      expect(maximumMeanDiscrepancy(one, other)?.statistic).toBeCloseTo(statistic, 9)
  })

  test('sees points that moved in three dimensions, and none that did not', () => {
    const points = (by: number) =>
      Array.from({ length: 80 }, (_, row) =>
        [1, 2, 3].map((each) => Math.sin(each * 12.9898 * (row + 1) * (by + 1.37)) + by),
      )
    expect(maximumMeanDiscrepancy(points(0), points(0.8))?.p).toBeLessThan(0.02)
    expect(maximumMeanDiscrepancy(points(0), points(0.001))?.p).toBeGreaterThan(0.05)
    expect(maximumMeanDiscrepancy(points(0), points(0.8))).toEqual(
      maximumMeanDiscrepancy(points(0), points(0.8)),
    )
    expect(maximumMeanDiscrepancy([[1]], points(0))).toBeUndefined()
  })
})

describe('texts', () => {
  test("have Evidently's lengths and shares of what are no letters", () => {
    for (const { text, length, nonLetters } of values.texts) {
      expect(textDescriptors(text).length).toBe(length)
      expect(textDescriptors(text).nonLetters).toBeCloseTo(nonLetters, 9)
    }
  })

  test('have words, sentences and words that nobody knew', () => {
    expect(textDescriptors('One two. Three!')).toMatchObject({ words: 3, sentences: 2 })
    const known = new Set(vocabularyOf(['the cat sat', 'the dog'], 2))
    expect([...known]).toEqual(['the', 'cat'])
    expect(outsideVocabulary('The bird and the cat', known)).toBe(40)
    expect(outsideVocabulary('', known)).toBe(0)
  })

  test('of another subject are told apart', () => {
    const about = (subject: string) =>
      Array.from(
        { length: 60 },
        (_, row) => `${subject} ${['came', 'went', 'was'][row % 3]} ${row % 7}`,
      )
    expect(textDomainClassifier(about('the parcel'), about('the invoice'))?.auc).toBeGreaterThan(
      0.95,
    )
    expect(
      textDomainClassifier(about('the parcel'), about('the parcel'))?.ciLow,
    ).toBeLessThanOrEqual(0.5)
  })
})
