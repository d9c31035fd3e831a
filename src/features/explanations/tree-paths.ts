import { isLeaf, nextNode, type Covers, type Tree, type TreeEnsemble } from './tree.ts'

/**
 * Shapley values of one row where a feature that is left out follows both branches of a split by their
 * shares of the training rows (path-dependent TreeSHAP: Lundberg, Erion and Lee, "Consistent individualized
 * feature attribution for tree ensembles", 2018, algorithm 2), added to `into`.
 */
export function addPathShap(
  ensemble: TreeEnsemble,
  { row, covers }: { row: Float64Array; covers: readonly Covers[] },
  into: readonly Float64Array[],
): void {
  for (const [index, tree] of ensemble.trees.entries())
    for (const [output, leaves] of tree.leaves) {
      const cover = covers[index] as Covers
      const values = into[output] as Float64Array
      walk({ tree, leaves, cover, row, values }, 0, extended([], { feature: -1, zero: 1, one: 1 }))
    }
}

/** What trees answer on average over the rows that made the covers. */
export function meanByCovers({ trees, base }: TreeEnsemble, covers: readonly Covers[]): number[] {
  const means = [...base]
  for (const [index, tree] of trees.entries()) {
    const cover = covers[index] as Covers
    for (const [output, leaves] of tree.leaves)
      for (const [node, value] of leaves.entries())
        if (isLeaf(tree, node))
          means[output] =
            (means[output] ?? 0) + (value * (cover.node[node] ?? 0)) / (cover.node[0] as number)
  }
  return means
}

interface Walk {
  readonly tree: Tree
  readonly leaves: Float64Array
  readonly cover: Covers
  readonly row: Float64Array
  readonly values: Float64Array
}

/** A feature on the way to a node: the share that flows on without it, and with it; and the weight of subsets. */
interface Step {
  readonly feature: number
  readonly zero: number
  readonly one: number
}
type Path = readonly (Step & { readonly weight: number })[]

function walk(at: Walk, node: number, path: Path): void {
  const { tree, leaves, cover, row, values } = at
  if (isLeaf(tree, node)) {
    for (let index = 1; index < path.length; index++) {
      const { feature, zero, one } = path[index] as Path[number]
      const weight = unwound(path, index).reduce((sum, step) => sum + step.weight, 0)
      values[feature] = (values[feature] ?? 0) + weight * (one - zero) * (leaves[node] ?? 0)
    }
    return
  }
  const feature = tree.feature[node] as number
  const hot = nextNode(tree, node, row)
  const [yes, no] = [tree.yes[node] as number, tree.no[node] as number]
  const cold = hot === yes ? no : yes
  const seen = path.findIndex((step) => step.feature === feature)
  const before = seen < 0 ? { zero: 1, one: 1 } : (path[seen] as Step)
  const rest = seen < 0 ? path : unwound(path, seen)
  const yesShare = yesShareOf(cover, node)
  for (const [child, one] of [
    [hot, before.one],
    [cold, 0],
  ] as const) {
    const zero = before.zero * (child === yes ? yesShare : 1 - yesShare)
    if (zero > 0 || one > 0) walk(at, child, extended(rest, { feature, zero, one }))
  }
}

/** The share that goes on to `yes`; half where no training row came by, which nothing hangs on. */
function yesShareOf({ node: covers, yes }: Covers, node: number): number {
  const all = covers[node] ?? 0
  return all === 0 ? 0.5 : (yes[node] ?? 0) / all
}

/** The path with one feature more. */
function extended(path: Path, step: Step): Path {
  const length = path.length
  const weights = [...path.map(({ weight }) => weight), length === 0 ? 1 : 0]
  for (let index = length - 1; index >= 0; index--) {
    const weight = weights[index] as number
    weights[index + 1] =
      (weights[index + 1] as number) + (step.one * weight * (index + 1)) / (length + 1)
    weights[index] = (step.zero * weight * (length - index)) / (length + 1)
  }
  return [...path, { ...step, weight: 0 }].map(({ feature, zero, one }, index) => ({
    feature,
    zero,
    one,
    weight: weights[index] as number,
  }))
}

/** The path without the feature at a place: `extended` undone. */
function unwound(path: Path, place: number): Path {
  const last = path.length - 1
  const { zero, one } = path[place] as Step
  const weights = path.map(({ weight }) => weight)
  let next = weights[last] as number
  for (let index = last - 1; index >= 0; index--) {
    const weight = weights[index] as number
    if (one === 0) weights[index] = (weight * (last + 1)) / (zero * (last - index))
    else {
      weights[index] = (next * (last + 1)) / ((index + 1) * one)
      next = weight - ((weights[index] as number) * zero * (last - index)) / (last + 1)
    }
  }
  return path
    .filter((_, index) => index !== place)
    .map(({ feature, zero: z, one: o }, index) => ({
      feature,
      zero: z,
      one: o,
      weight: weights[index] as number,
    }))
}
