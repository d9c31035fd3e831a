import { sha256 } from '#base/digest'
import type { TensorType, Value } from '#inference'

type Values = Readonly<Record<string, Value>>

/** What predictions of one batch have alike: the names of their values, in order, and the types of the outputs. */
export interface ToldShape {
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  readonly types: readonly TensorType[]
}

/** Gives predictions with the same names and types the same shape. Those of one report mostly follow one another. */
export function toldShapes(): (inputs: Values, outputs: Values) => ToldShape {
  const inputNames = sortedNames()
  const outputNames = sortedNames()
  const known = new Map<string, ToldShape>()
  let last: ToldShape | undefined
  return (inputs, outputs) => {
    const names = { inputs: inputNames(inputs), outputs: outputNames(outputs) }
    if (
      last?.inputs === names.inputs &&
      last.outputs === names.outputs &&
      last.types.every((type, at) => typeOf(outputs[names.outputs[at] as string]) === type)
    )
      return last
    const types = names.outputs.map((name) => typeOf(outputs[name]))
    const text = JSON.stringify([names.inputs, names.outputs, types])
    last = known.get(text) ?? { ...names, types }
    known.set(text, last)
    return last
  }
}

/** The names of values in their order: the same list for the same names, as long as they come in the same turn. */
function sortedNames(): (values: Values) => readonly string[] {
  let asSent: readonly string[] = []
  let inOrder: readonly string[] = []
  return (values) => {
    const names = Object.keys(values)
    if (names.length !== asSent.length || names.some((name, at) => name !== asSent[at])) {
      asSent = names
      inOrder = names.toSorted()
    }
    return inOrder
  }
}

function typeOf(value: Value | undefined): TensorType {
  if (Array.isArray(value)) return typeOf((value as readonly Value[])[0])
  if (typeof value === 'string') return 'string'
  return typeof value === 'boolean' ? 'bool' : 'float64'
}

/** Of all that is said of a prediction but its truth, which may become known later. */
export function toldDigest(
  told: {
    readonly modelVersion: string | null
    readonly timeMs: number | null
    readonly key: string | null
    readonly inputs: Values
    readonly outputs: Values
  },
  shape: ToldShape,
): string {
  const { modelVersion, timeMs, key, inputs, outputs } = told
  const head = JSON.stringify([modelVersion, timeMs, key]).slice(0, -1)
  return sha256(
    `${head},${pairsOf(shape.inputs, inputs)},${pairsOf(shape.outputs, outputs)}]`,
  ).slice(0, 32)
}

/** JSON of names and values, where what JSON has no words for is marked and what it would round is whole. */
function pairsOf(names: readonly string[], values: Values): string {
  let text = ''
  for (const name of names) {
    if (text !== '') text += ','
    text += `[${JSON.stringify(name)},${jsonOf(values[name] ?? null)}]`
  }
  return `[${text}]`
}

function jsonOf(value: Value): string {
  if (typeof value === 'number')
    return Number.isFinite(value)
      ? String(value)
      : Number.isNaN(value)
        ? 'null'
        : JSON.stringify(`${value}n`)
  if (typeof value === 'bigint') return JSON.stringify(`${value}n`)
  if (Array.isArray(value)) return `[${(value as readonly Value[]).map(jsonOf).join(',')}]`
  return JSON.stringify(value)
}
