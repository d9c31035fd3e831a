/** What a split compares: goes to `yes` when the feature is this to the threshold. */
export const SPLITS = ['leq', 'lt', 'gte', 'gt', 'eq', 'neq', 'leaf'] as const
export type Split = (typeof SPLITS)[number]
const LEAF = SPLITS.indexOf('leaf')

/**
 * A decision tree as columns of numbers, one place for each node; the root is node 0. Several splits may go on to
 * the same node, as converters write a split by a set of categories.
 */
export interface Tree {
  readonly feature: Int32Array
  readonly threshold: Float64Array
  /** Places in `SPLITS`. */
  readonly split: Uint8Array
  readonly yes: Int32Array
  readonly no: Int32Array
  /** 1 where a missing value goes to `yes`. */
  readonly missingYes: Uint8Array
  /** What leaves add to each output that the tree adds to. */
  readonly leaves: ReadonlyMap<number, Float64Array>
}

/** Trees whose answers are added up. */
export interface TreeEnsemble {
  readonly trees: readonly Tree[]
  /** What each output is before any tree. */
  readonly base: readonly number[]
  /** What the sums are made into afterwards. */
  readonly transform: 'none' | 'logistic' | 'softmax' | 'softmax-zero' | 'probit'
  /** A classifier of two classes with one sum, which is that of the second class. */
  readonly isBinary: boolean
}

export function isLeaf(tree: Tree, node: number): boolean {
  return tree.split[node] === LEAF
}

/** The node that a row goes to from a split. */
export function nextNode(tree: Tree, node: number, row: Float64Array): number {
  const value = row[tree.feature[node] as number] ?? Number.NaN
  const yes = Number.isNaN(value)
    ? tree.missingYes[node] === 1 || tree.split[node] === 5
    : holds(tree.split[node] as number, value, tree.threshold[node] as number)
  return (yes ? tree.yes[node] : tree.no[node]) as number
}

function holds(split: number, value: number, threshold: number): boolean {
  switch (split) {
    case 0:
      return value <= threshold
    case 1:
      return value < threshold
    case 2:
      return value >= threshold
    case 3:
      return value > threshold
    case 4:
      return value === threshold
    default:
      return value !== threshold
  }
}

function leafOf(tree: Tree, row: Float64Array): number {
  let node = 0
  while (!isLeaf(tree, node)) node = nextNode(tree, node, row)
  return node
}

/** The sums of an ensemble for a row: what is explained, before the transform. */
export function sumsOf({ trees, base }: TreeEnsemble, row: Float64Array): number[] {
  const sums = [...base]
  for (const tree of trees) {
    const leaf = leafOf(tree, row)
    for (const [output, values] of tree.leaves)
      sums[output] = (sums[output] ?? 0) + (values[leaf] ?? 0)
  }
  return sums
}

/** What the model answers for such sums. */
export function answersOf(
  { transform, isBinary }: TreeEnsemble,
  sums: readonly number[],
): number[] {
  if (transform === 'softmax' || transform === 'softmax-zero') return softmax(sums, transform)
  if (transform === 'logistic') {
    const shares = sums.map((sum) => 1 / (1 + Math.exp(-sum)))
    return isBinary ? [1 - (shares[0] ?? 0), shares[0] ?? 0] : shares
  }
  return isBinary && transform === 'none' ? [1 - (sums[0] ?? 0), sums[0] ?? 0] : [...sums]
}

function softmax(sums: readonly number[], transform: 'softmax' | 'softmax-zero'): number[] {
  const most = Math.max(...sums)
  const isOut = (sum: number) => transform === 'softmax-zero' && Math.abs(sum) <= 1e-7
  const powers = sums.map((sum) => (isOut(sum) ? 0 : Math.exp(sum - most)))
  const total = powers.reduce((one, other) => one + other, 0)
  return powers.map((power) => power / total)
}

/** How many rows come by each node, and how many of them go on to its `yes`. */
export interface Covers {
  readonly node: Float64Array
  readonly yes: Float64Array
}

export function coversOf(tree: Tree, rows: readonly Float64Array[]): Covers {
  const covers = {
    node: new Float64Array(tree.split.length),
    yes: new Float64Array(tree.split.length),
  }
  for (const row of rows) {
    let node = 0
    add(covers.node, node)
    while (!isLeaf(tree, node)) {
      const next = nextNode(tree, node, row)
      if (next === tree.yes[node]) add(covers.yes, node)
      add(covers.node, next)
      node = next
    }
  }
  return covers
}

function add(counts: Float64Array, node: number): void {
  counts[node] = (counts[node] ?? 0) + 1
}
