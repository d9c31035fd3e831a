import { isLeaf, nextNode, type Tree, type TreeEnsemble } from './tree.ts'

/**
 * Shapley values of one row against one background row, added to `into`: exact, by one walk of each tree
 * (interventional TreeSHAP: Lundberg et al., "From local explanations to global understanding with
 * explainable AI for trees", 2020). A coalition takes its own features from the row and all others from the
 * background; only where the two part at a split does a feature matter, and a leaf that is reached with `a`
 * features of the row and `b` of the background counts for as many orders as the two numbers say.
 */
export function addTreeShap(
  ensemble: TreeEnsemble,
  { row, background }: { row: Float64Array; background: Float64Array },
  into: readonly Float64Array[],
): void {
  /** 1: taken from the row on the way here, 2: from the background, 0: has not mattered yet. */
  const side = new Uint8Array(row.length)
  for (const tree of ensemble.trees)
    for (const [output, leaves] of tree.leaves) {
      const values = into[output] as Float64Array
      walk({ tree, leaves, row, background, side, values }, 0, { ofRow: 0, ofBackground: 0 })
    }
}

interface Walk {
  readonly tree: Tree
  readonly leaves: Float64Array
  readonly row: Float64Array
  readonly background: Float64Array
  readonly side: Uint8Array
  readonly values: Float64Array
}

interface Taken {
  readonly ofRow: number
  readonly ofBackground: number
}

/** What the leaves below count for a feature that was taken from the row, and from the background. */
interface Counted {
  readonly forRow: number
  readonly forBackground: number
}

function walk(at: Walk, node: number, taken: Taken): Counted {
  const { tree, row, background, side, values } = at
  if (isLeaf(tree, node)) return countedLeaf(at.leaves[node] ?? 0, taken)
  const feature = tree.feature[node] as number
  const byRow = nextNode(tree, node, row)
  const byBackground = nextNode(tree, node, background)
  if (byRow === byBackground || side[feature] === 1) return walk(at, byRow, taken)
  if (side[feature] === 2) return walk(at, byBackground, taken)

  const { ofRow, ofBackground } = taken
  side[feature] = 1
  const one = walk(at, byRow, { ofRow: ofRow + 1, ofBackground })
  side[feature] = 2
  const other = walk(at, byBackground, { ofRow, ofBackground: ofBackground + 1 })
  side[feature] = 0
  values[feature] = (values[feature] ?? 0) + one.forRow - other.forBackground
  return {
    forRow: one.forRow + other.forRow,
    forBackground: one.forBackground + other.forBackground,
  }
}

function countedLeaf(value: number, { ofRow, ofBackground }: Taken): Counted {
  return {
    forRow: ofRow === 0 ? 0 : value * share(ofRow - 1, ofBackground),
    forBackground: ofBackground === 0 ? 0 : value * share(ofRow, ofBackground - 1),
  }
}

const shares: number[][] = []

/** a! b! / (a + b + 1)!: the share of orders in which a given feature comes after `a` and before `b` others. */
function share(a: number, b: number): number {
  const known = (shares[a] ??= [])
  return (known[b] ??= shareOf(a, b))
}

function shareOf(a: number, b: number): number {
  // 1 / ((a + b + 1) × (a + b choose b)), in small steps.
  let value = 1 / (a + b + 1)
  for (let step = 1; step <= b; step++) value *= step / (a + step)
  return value
}
