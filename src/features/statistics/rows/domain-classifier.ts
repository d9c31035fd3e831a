import { invariant } from '#base/invariant'
import { seededDraws } from '#base/seeded'
import { aucOf, type Auc, type Label } from '../ranking.ts'
import type { TreeColumn } from '../trees/bins.ts'
import {
  boostClassification,
  boostedAnswers,
  type BoostedTrees,
  type BoostOptions,
} from '../trees/boost.ts'
import { rowsIn, stacked, type Column } from './column.ts'

export interface DomainClassifierOptions extends BoostOptions {
  readonly folds?: number
}

/** How well rows were told apart, and how much of that each column was needed for. */
export interface ToldApart {
  readonly auc: Auc
  /** By column: how much smaller the area is when the column's values are dealt out among the rows anew. */
  readonly needed: readonly number[]
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
  options: DomainClassifierOptions = {},
): Auc | undefined {
  const learnt = learntApart(reference, current, options)
  return learnt === undefined ? undefined : answered(learnt, learnt.columns)
}

/** The same, and which columns tell. */
export function toldApart(
  reference: readonly Column[],
  current: readonly Column[],
  options: DomainClassifierOptions = {},
): ToldApart | undefined {
  const learnt = learntApart(reference, current, options)
  if (learnt === undefined) return undefined
  const auc = answered(learnt, learnt.columns)
  const order = shuffled(learnt.labels.length)
  const needed = learnt.columns.map((column, at) => {
    const dealt = learnt.columns.with(at, only(column, order))
    return auc.auc - answered(learnt, dealt).auc
  })
  return { auc, needed }
}

interface Learnt {
  readonly columns: readonly TreeColumn[]
  readonly labels: readonly Label[]
  /** What learnt without some rows, with them. */
  readonly folds: readonly { readonly model: BoostedTrees; readonly held: Uint32Array }[]
}

function learntApart(
  reference: readonly Column[],
  current: readonly Column[],
  { folds = 5, ...boost }: DomainClassifierOptions,
): Learnt | undefined {
  const [n, m] = [rowsIn(reference), rowsIn(current)]
  if (n < folds || m < folds) return undefined
  const columns = stacked(reference, current).map(treeColumnOf)
  const labels = Array.from({ length: n + m }, (_, row): Label => (row < n ? 0 : 1))
  // Every so manyth row of each side: neighbours in time are in different folds.
  const foldOf = (row: number) => (row < n ? row : row - n) % folds
  const models = Array.from({ length: folds }, (_, fold) => {
    const held = rowsWhere(n + m, (row) => foldOf(row) === fold)
    const learnt = rowsWhere(n + m, (row) => foldOf(row) !== fold)
    const model = boostClassification(
      columns.map((column) => only(column, learnt)),
      Float64Array.from(learnt, (row) => labels[row] as number),
      boost,
    )
    return { model, held }
  })
  return { columns, labels, folds: models }
}

function answered({ labels, folds }: Learnt, columns: readonly TreeColumn[]): Auc {
  const answers = new Float64Array(labels.length)
  for (const { model, held } of folds) {
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

const SEED = 1

function shuffled(count: number): Uint32Array {
  const draw = seededDraws(SEED)
  const order = Uint32Array.from({ length: count }, (_, row) => row)
  for (let last = count - 1; last > 0; last--) {
    const chosen = Math.floor(draw() * (last + 1))
    const held = order[last] as number
    order[last] = order[chosen] as number
    order[chosen] = held
  }
  return order
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
