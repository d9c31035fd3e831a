import { invariant } from '#base/invariant'
import { aucOf, type Auc, type Label } from '../ranking.ts'
import type { TreeColumn } from '../trees/bins.ts'
import { boostClassification, boostedAnswers, type BoostOptions } from '../trees/boost.ts'
import { rowsIn, stacked, type Column } from './column.ts'

export interface DomainClassifierOptions extends BoostOptions {
  readonly folds?: number
}

/**
 * How well a classifier tells rows of the reference from current ones: the area under its ROC curve over rows that it
 * did not learn from, with DeLong's interval. One half where nothing changed; near 1 where all did. It sees changes of
 * how columns hang together that no column shows alone (NannyML's and Evidently's domain classifier).
 * Undefined where a side has fewer rows than folds.
 */
export function domainClassifier(
  reference: readonly Column[],
  current: readonly Column[],
  { folds = 5, ...boost }: DomainClassifierOptions = {},
): Auc | undefined {
  const [n, m] = [rowsIn(reference), rowsIn(current)]
  if (n < folds || m < folds) return undefined
  const columns = stacked(reference, current).map(treeColumnOf)
  const labels = Array.from({ length: n + m }, (_, row): Label => (row < n ? 0 : 1))
  // Every so manyth row of each side: neighbours in time are in different folds.
  const foldOf = (row: number) => (row < n ? row : row - n) % folds
  const answers = new Float64Array(n + m)
  for (let fold = 0; fold < folds; fold++) {
    const [held, learnt] = [
      rowsWhere(n + m, (row) => foldOf(row) === fold),
      rowsWhere(n + m, (row) => foldOf(row) !== fold),
    ]
    const model = boostClassification(
      columns.map((column) => only(column, learnt)),
      Float64Array.from(learnt, (row) => labels[row] as number),
      boost,
    )
    const given = boostedAnswers(
      model,
      columns.map((column) => only(column, held)),
    )
    for (const [index, row] of held.entries()) answers[row] = given[index] as number
  }
  const found = aucOf(labels, [...answers])
  invariant(found !== undefined, 'both sides have rows')
  return found
}

/** Categories as whole numbers, in the order in which they first come. */
export function treeColumnOf(column: Column): TreeColumn {
  if (column.kind === 'numeric') return { values: column.values, categorical: false }
  const places = new Map<string, number>()
  const values = Float64Array.from(column.values, (name) => {
    if (name === null) return NaN
    const place = places.get(name) ?? places.size
    places.set(name, place)
    return place
  })
  return { values, categorical: true }
}

function rowsWhere(count: number, holds: (row: number) => boolean): Uint32Array {
  return Uint32Array.from(Array.from({ length: count }, (_, row) => row).filter(holds))
}

function only({ values, categorical }: TreeColumn, rows: Uint32Array): TreeColumn {
  return { values: Float64Array.from(rows, (row) => values[row] as number), categorical }
}
