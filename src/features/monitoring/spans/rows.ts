import { countsOf, type Counts, type Profile, type Value } from '#drift'
import type { Logged } from '#inference'
import type { PredictionRow } from '#serving'
import { scoreOf } from '../sources.ts'
import type { Reference } from '../store.ts'
import type { Look } from './look.ts'

/** Looks at rows one by one. */
export function lookAtRows(
  rows: readonly PredictionRow[],
  { profile, prediction, modelVersion }: Reference,
): Look {
  const own = rows.filter((row) => row.modelVersion === modelVersion)
  const scores =
    prediction === null
      ? null
      : countsOf(
          prediction,
          own.map(({ outputs }) => scoreOf(outputs)),
        )
  return { predictions: rows.length, inputs: inputCounts(profile, rows), scores }
}

function inputCounts(profile: Profile, rows: readonly PredictionRow[]): Map<string, Counts> {
  const counts = new Map<string, Counts>()
  for (const [feature, column] of Object.entries(profile.columns))
    if (column.kind !== 'other' && rows.some(({ inputs }) => feature in inputs))
      counts.set(
        feature,
        countsOf(
          column,
          rows.map(({ inputs }) => plain(inputs[feature])),
        ),
      )
  return counts
}

/** A list is no value that a column's bins know. */
function plain(value: Logged | undefined): Value | null {
  return value === undefined || typeof value === 'object' ? null : value
}
