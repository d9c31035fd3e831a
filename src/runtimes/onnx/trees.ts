import type { Feature, Tree, TreeEnsemble, TreeModel } from '#explanations'
import { SPLITS } from '#explanations'
import { attributesOf, type Attribute } from './attributes.ts'
import { featuresOf } from './features.ts'
import { readModelFile } from './model-file.ts'
import { openBytes } from './wire.ts'

const MODES: Readonly<Record<string, (typeof SPLITS)[number]>> = {
  BRANCH_LEQ: 'leq',
  BRANCH_LT: 'lt',
  BRANCH_GTE: 'gte',
  BRANCH_GT: 'gt',
  BRANCH_EQ: 'eq',
  BRANCH_NEQ: 'neq',
  LEAF: 'leaf',
}

const TRANSFORMS: Readonly<Record<string, TreeEnsemble['transform']>> = {
  '': 'none',
  NONE: 'none',
  LOGISTIC: 'logistic',
  SOFTMAX: 'softmax',
  SOFTMAX_ZERO: 'softmax-zero',
}

/**
 * The tree ensemble of a model's file and where its features come from; undefined when the model is no
 * single ensemble, or computes features from several columns.
 */
export function readTrees(path: string): TreeModel | undefined {
  const bytes = openBytes(path)
  try {
    const file = readModelFile(bytes)
    const [node, ...more] = file.nodes.filter(({ op }) => op.startsWith('TreeEnsemble'))
    if (node === undefined || more.length > 0 || node.depth > 0) return undefined
    const features: readonly Feature[] | undefined = featuresOf(bytes, file, node.inputs[0] ?? '')
    const attributes = features === undefined ? undefined : attributesOf(bytes, node.span)
    if (features === undefined || attributes === undefined) return undefined
    const ensemble =
      node.op === 'TreeEnsembleClassifier'
        ? classifierOf(attributes)
        : node.op === 'TreeEnsembleRegressor'
          ? regressorOf(attributes)
          : undefined
    return ensemble === undefined ? undefined : { ensemble, features }
  } finally {
    bytes.close()
  }
}

type Attributes = ReadonlyMap<string, Attribute>

function classifierOf(attributes: Attributes): TreeEnsemble | undefined {
  const ids = intsOf(attributes, 'class_ids')
  const classes =
    intsOf(attributes, 'classlabels_int64s').length ||
    (attributes.get('classlabels_strings')?.texts.length ?? 0)
  const isBinary = classes === 2 && new Set(ids).size === 1
  const targets = isBinary ? ids.map(() => 0) : ids
  const base = floatsOf(attributes, 'base_values')
  // Of two base values for one sum, the second class's counts.
  const bases = isBinary ? [base[1] ?? base[0] ?? 0] : base
  return ensembleOf(attributes, {
    prefix: 'class',
    targets,
    outputs: isBinary ? 1 : classes,
    bases,
    isBinary,
  })
}

function regressorOf(attributes: Attributes): TreeEnsemble | undefined {
  const targets = intsOf(attributes, 'target_ids')
  const outputs = attributes.get('n_targets')?.int ?? 1
  const bases = floatsOf(attributes, 'base_values')
  return ensembleOf(attributes, { prefix: 'target', targets, outputs, bases, isBinary: false })
}

interface Sums {
  readonly prefix: 'class' | 'target'
  readonly targets: readonly number[]
  readonly outputs: number
  readonly bases: readonly number[]
  readonly isBinary: boolean
}

function ensembleOf(attributes: Attributes, sums: Sums): TreeEnsemble | undefined {
  const transform = TRANSFORMS[attributes.get('post_transform')?.text ?? '']
  const aggregate = attributes.get('aggregate_function')?.text ?? 'SUM'
  const trees = treesOf(attributes)
  if (transform === undefined || trees === undefined) return undefined
  if (aggregate !== 'SUM' && aggregate !== 'AVERAGE') return undefined
  const { prefix, targets, outputs, bases, isBinary } = sums
  const treeIds = intsOf(attributes, `${prefix}_treeids`)
  const nodeIds = intsOf(attributes, `${prefix}_nodeids`)
  const weights = floatsOf(attributes, `${prefix}_weights`)
  const scale = aggregate === 'AVERAGE' ? 1 / trees.length : 1
  for (const [index, target] of targets.entries()) {
    const place = trees.at(treeIds[index] ?? -1, nodeIds[index] ?? -1)
    if (place === undefined || target < 0 || target >= outputs) return undefined
    const { tree, node } = place
    let leaves = tree.leaves.get(target)
    if (leaves === undefined)
      tree.leaves.set(target, (leaves = new Float64Array(tree.split.length)))
    leaves[node] = (leaves[node] ?? 0) + (weights[index] ?? 0) * scale
  }
  const base = Array.from({ length: outputs }, (_, output) => bases[output] ?? 0)
  return { trees: trees.all, base, transform, isBinary }
}

interface DraftTree extends Tree {
  readonly leaves: Map<number, Float64Array>
}

interface Drafts {
  readonly all: readonly DraftTree[]
  readonly length: number
  at(treeId: number, nodeId: number): { tree: DraftTree; node: number } | undefined
}

/** The trees without what their leaves add. Undefined when they do not hang together. */
function treesOf(attributes: Attributes): Drafts | undefined {
  const treeIds = intsOf(attributes, 'nodes_treeids')
  const nodeIds = intsOf(attributes, 'nodes_nodeids')
  const count = nodeIds.length
  const starts: number[] = []
  for (let at = 0; at < count; at++)
    if (at === 0 || treeIds[at] !== treeIds[at - 1]) starts.push(at)
  const all: DraftTree[] = []
  const places = new Map<number, { tree: DraftTree; nodes: ReadonlyMap<number, number> }>()
  for (const [index, start] of starts.entries()) {
    const end = starts[index + 1] ?? count
    const nodes = new Map(nodeIds.slice(start, end).map((id, node) => [id, node]))
    const tree = treeOf(attributes, { start, end }, nodes)
    const id = treeIds[start] ?? -1
    if (tree === undefined || places.has(id)) return undefined
    all.push(tree)
    places.set(id, { tree, nodes })
  }
  return {
    all,
    length: all.length,
    at: (treeId, nodeId) => {
      const place = places.get(treeId)
      const node = place?.nodes.get(nodeId)
      return place === undefined || node === undefined ? undefined : { tree: place.tree, node }
    },
  }
}

function treeOf(
  attributes: Attributes,
  { start, end }: { start: number; end: number },
  nodes: ReadonlyMap<number, number>,
): DraftTree | undefined {
  const part = (name: string) => intsOf(attributes, name).slice(start, end)
  const modes = (attributes.get('nodes_modes')?.texts ?? [])
    .slice(start, end)
    .map((mode) => SPLITS.indexOf(MODES[mode] ?? 'leaf'))
  if (modes.length !== end - start) return undefined
  const placeOf = (id: number) => nodes.get(id) ?? -1
  const tree: DraftTree = {
    feature: Int32Array.from(part('nodes_featureids')),
    threshold: Float64Array.from(floatsOf(attributes, 'nodes_values').slice(start, end)),
    split: Uint8Array.from(modes),
    yes: Int32Array.from(part('nodes_truenodeids'), placeOf),
    no: Int32Array.from(part('nodes_falsenodeids'), placeOf),
    missingYes: Uint8Array.from(
      modes.map(
        (_, node) => intsOf(attributes, 'nodes_missing_value_tracks_true')[start + node] ?? 0,
      ),
    ),
    leaves: new Map(),
  }
  return isSound(tree) ? tree : undefined
}

/** A walk of a tree goes no deeper, and comes by no more nodes, than these. */
const DEPTH_MAX = 2000
const WALK_MAX = 2_000_000

/**
 * Every split has two nodes below it, nothing walks in circles, and a walk comes to an end: several splits may
 * share what is below, which a few nodes can make into a walk without end.
 */
function isSound(tree: DraftTree): boolean {
  const count = tree.split.length
  const leaf = SPLITS.indexOf('leaf')
  // How many nodes a walk from here comes by, 0 before that is known; and how deep it goes.
  const walks = new Float64Array(count)
  const depths = new Int32Array(count)
  const isAbove = new Uint8Array(count)
  const toVisit = [0]
  for (let node = toVisit.at(-1); node !== undefined; node = toVisit.at(-1)) {
    if (!(node >= 0 && node < count)) return false
    const below = tree.split[node] === leaf ? [] : [tree.yes[node] ?? -1, tree.no[node] ?? -1]
    if (isAbove[node] === 1 || below.length === 0 || (walks[node] ?? 0) > 0) {
      toVisit.pop()
      isAbove[node] = 0
      walks[node] = below.reduce((sum, child) => sum + (walks[child] ?? 0), 1)
      depths[node] = 1 + Math.max(0, ...below.map((child) => depths[child] ?? 0))
      if ((walks[node] ?? 0) > WALK_MAX || (depths[node] ?? 0) > DEPTH_MAX) return false
      continue
    }
    isAbove[node] = 1
    if (below.some((child) => isAbove[child] === 1)) return false
    toVisit.push(...below)
  }
  return true
}

function intsOf(attributes: Attributes, name: string): readonly number[] {
  return attributes.get(name)?.ints ?? []
}

function floatsOf(attributes: Attributes, name: string): readonly number[] {
  return attributes.get(name)?.floats ?? []
}
