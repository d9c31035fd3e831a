import type { BinnedColumn } from './bins.ts'
import { bestSplit, type Histogram, type Split, type SplitRules, type Sums } from './split.ts'

/** A decision tree as plain JSON: a node is a leaf, or asks a column and goes on to one of two nodes. */
export type Tree = readonly TreeNode[]

export type TreeNode = { readonly value: number } | Question

export interface Question {
  readonly column: number
  /** A number goes left when it is at most this; a category when it is one of these. */
  readonly atMost: number | null
  readonly oneOf: readonly number[] | null
  readonly missing: 'left' | 'right'
  readonly left: number
  readonly right: number
}

export interface Gradients {
  readonly gradient: Float64Array
  readonly hessian: Float64Array
}

export interface GrowRules extends SplitRules {
  readonly leaves: number
}

/** A tree and, for each row it was grown on, the leaf's value. */
export interface Grown {
  readonly tree: Tree
  readonly values: Float64Array
}

interface Leaf {
  readonly node: number
  readonly rows: Uint32Array
  readonly sums: Sums
  readonly histograms: readonly Histogram[]
  readonly split: Split | undefined
}

/** Grows a tree leaf by leaf, always the one that gains most, as LightGBM does (Ke and others, 2017). */
export function grow(
  columns: readonly BinnedColumn[],
  gradients: Gradients,
  rules: GrowRules,
): Grown {
  const rows = Uint32Array.from(gradients.gradient.keys())
  const nodes: TreeNode[] = [{ value: 0 }]
  const start = histogramsOf(columns, gradients, rows)
  let leaves = [leafOf({ node: 0, rows, histograms: start }, columns, rules)]
  while (leaves.length < rules.leaves) {
    const leaf = leaves.reduce((best, each) =>
      (each.split?.gain ?? 0) > (best.split?.gain ?? 0) ? each : best,
    )
    if (leaf.split === undefined) break
    const parted = part(leaf, columns, gradients, { rules, at: nodes.length })
    nodes[leaf.node] = questionOf(leaf.split, columns, nodes.length)
    nodes.push({ value: 0 }, { value: 0 })
    leaves = [...leaves.filter((each) => each !== leaf), ...parted]
  }
  const values = new Float64Array(rows.length)
  for (const { node, rows: own, sums } of leaves) {
    const value = sums.hessian > 0 ? -sums.gradient / sums.hessian : 0
    nodes[node] = { value }
    for (const row of own) values[row] = value
  }
  return { tree: nodes, values }
}

function leafOf(
  { node, rows, histograms }: { node: number; rows: Uint32Array; histograms: Histogram[] },
  columns: readonly BinnedColumn[],
  rules: GrowRules,
): Leaf {
  const sums = totalOf(histograms[0], rows.length)
  let split: Split | undefined
  if (rows.length >= 2 * rules.leafRowsMin)
    for (const [column, binned] of columns.entries()) {
      const found = bestSplit({ column, binned }, histograms[column] as Histogram, sums, rules)
      if (found !== undefined && found.gain > (split?.gain ?? 0)) split = found
    }
  return { node, rows, sums, histograms, split }
}

/** Both halves of a leaf: the smaller one's histograms are counted, the other's are what is left of the whole's. */
function part(
  leaf: Leaf,
  columns: readonly BinnedColumn[],
  gradients: Gradients,
  { rules, at }: { rules: GrowRules; at: number },
): Leaf[] {
  const { column, left } = leaf.split as Split
  const { bins } = columns[column] as BinnedColumn
  const goesLeft = (row: number) => left[bins[row] as number] === 1
  const halves = [leaf.rows.filter(goesLeft), leaf.rows.filter((row) => !goesLeft(row))]
  const [first, second] = halves as [Uint32Array, Uint32Array]
  const smaller = first.length <= second.length ? 0 : 1
  const counted = histogramsOf(columns, gradients, halves[smaller] as Uint32Array)
  const rest = counted.map((histogram, index) =>
    minus(leaf.histograms[index] as Histogram, histogram),
  )
  return halves.map((rows, side) =>
    leafOf(
      { node: at + side, rows, histograms: side === smaller ? counted : rest },
      columns,
      rules,
    ),
  )
}

function minus(whole: Histogram, half: Histogram): Histogram {
  const rest = new Float64Array(whole.length)
  for (let place = 0; place < rest.length; place++)
    rest[place] = (whole[place] as number) - (half[place] as number)
  return rest
}

function histogramsOf(
  columns: readonly BinnedColumn[],
  { gradient, hessian }: Gradients,
  rows: Uint32Array,
): Histogram[] {
  return columns.map(({ bins, count }) => {
    const histogram = new Float64Array(count * 3)
    for (let index = 0; index < rows.length; index++) {
      const row = rows[index] as number
      const place = (bins[row] as number) * 3
      histogram[place] = (histogram[place] as number) + (gradient[row] as number)
      histogram[place + 1] = (histogram[place + 1] as number) + (hessian[row] as number)
      histogram[place + 2] = (histogram[place + 2] as number) + 1
    }
    return histogram
  })
}

function totalOf(histogram: Histogram | undefined, rows: number): Sums {
  let [gradient, hessian] = [0, 0]
  for (let place = 0; place < (histogram?.length ?? 0); place += 3) {
    gradient += histogram?.[place] as number
    hessian += histogram?.[place + 1] as number
  }
  return { gradient, hessian, rows }
}

function questionOf(split: Split, columns: readonly BinnedColumn[], next: number): Question {
  const { categorical, bounds, count } = columns[split.column] as BinnedColumn
  const missing = split.left[count - 1] === 1 ? 'left' : 'right'
  const place = { column: split.column, missing, left: next, right: next + 1 } as const
  if (categorical)
    return { ...place, atMost: null, oneOf: [...bounds].filter((_, bin) => split.left[bin] === 1) }
  const last = split.left.subarray(0, count - 1).lastIndexOf(1)
  return { ...place, atMost: bounds[last] ?? Number.MAX_VALUE, oneOf: null }
}
