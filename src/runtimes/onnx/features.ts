import type { Feature } from '#explanations'
import { attributesOf, floatsOf } from './attributes.ts'
import type { ModelFile, ModelNode } from './model-file.ts'
import type { Bytes } from './wire.ts'

/** A chain of nodes from an input to the trees that is longer than this is not followed. */
const CHAIN_MAX = 64

/** float32, float64, int32 and int64. */
const NUMBERS = new Set([1, 11, 6, 7])

type Step = Feature['steps'][number]

/**
 * Where each number that a tensor holds in a row comes from: one column of one input, by steps that change
 * only it. Undefined when several columns are mixed, or the steps are unknown.
 */
export function featuresOf(bytes: Bytes, file: ModelFile, tensor: string): Feature[] | undefined {
  const makers = new Map(
    file.nodes
      .filter(({ depth }) => depth === 0)
      .flatMap((node) => node.outputs.map((output) => [output, node] as const)),
  )
  const initializers = new Map(file.tensors.map((each) => [each.name, each]))

  const trace = (name: string, depth: number): Feature[] | undefined => {
    if (depth > CHAIN_MAX) return undefined
    const input = file.inputs.find((each) => each.name === name && !initializers.has(name))
    if (input !== undefined) {
      const width = input.shape.length === 1 ? 1 : input.shape[1]
      if (input.shape.length > 2 || !NUMBERS.has(input.type)) return undefined
      return featuresOfInput(name, width ?? null)
    }
    const node = makers.get(name)
    return node === undefined ? undefined : traceNode(node, depth + 1)
  }
  const traceNode = (node: ModelNode, depth: number): Feature[] | undefined => {
    const [first = '', second = ''] = node.inputs
    if (node.op === 'Identity') return trace(first, depth)
    if (node.op === 'Cast') {
      const to = attributesOf(bytes, node.span)?.get('to')?.int
      return to === 1 || to === 11 ? trace(first, depth) : undefined
    }
    if (node.op === 'Concat') {
      const axis = attributesOf(bytes, node.span)?.get('axis')?.int
      const parts = node.inputs.map((each) => trace(each, depth))
      // A part of unknown width would move all that come after it.
      if ((axis !== 1 && axis !== -1) || parts.some((part) => part?.at(-1)?.repeats !== false))
        return undefined
      return parts.flatMap((part) => part ?? [])
    }
    if (node.op === 'Scaler') return scaled(bytes, node, trace(first, depth))
    const operator = ARITHMETIC[node.op]
    const constant = initializers.get(second)
    if (operator === undefined || constant === undefined) return undefined
    return withSteps(trace(first, depth), operator, floatsOf(bytes, constant.span))
  }
  return trace(tensor, 0)
}

const ARITHMETIC: Readonly<Record<string, Step['does']>> = {
  Sub: 'subtract',
  Div: 'divide',
  Mul: 'multiply',
  Add: 'add',
}

/** Of an input of unknown width the first column stands for all. */
function featuresOfInput(input: string, width: number | null): Feature[] {
  if (width === null) return [{ input, column: 0, steps: [], repeats: true }]
  return Array.from({ length: Math.min(width, 100_000) }, (_, column) => ({
    input,
    column,
    steps: [],
    repeats: false,
  }))
}

function scaled(
  bytes: Bytes,
  node: ModelNode,
  features: Feature[] | undefined,
): Feature[] | undefined {
  const attributes = attributesOf(bytes, node.span)
  const moved = withSteps(features, 'subtract', attributes?.get('offset')?.floats)
  return withSteps(moved, 'multiply', attributes?.get('scale')?.floats)
}

/** Each feature with one step more: all by the same number, or each by its own. */
function withSteps(
  features: Feature[] | undefined,
  does: Step['does'],
  by: readonly number[] | undefined,
): Feature[] | undefined {
  if (features === undefined || by === undefined || by.length === 0) return undefined
  if (by.length !== 1 && by.length !== features.length) return undefined
  return features.map((feature, index) => ({
    ...feature,
    steps: [
      ...feature.steps,
      { does, by: by.length === 1 ? (by[0] as number) : (by[index] as number) },
    ],
  }))
}
