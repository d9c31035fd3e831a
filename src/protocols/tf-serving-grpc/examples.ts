import { Problem } from '#base/problem'
import {
  exactNumber,
  inputOfNamed,
  type PredictionRequest,
  type Takes,
  type Value,
} from '#inference'
import type { Example, Feature, Input } from './messages.ts'
import { textOfBytes } from './tensor-proto.ts'

type Row = ReadonlyMap<string, Value>

/** What a model is asked by examples: a row each, with the features that all of them share. Throws `invalid`. */
export function inputOfExamples(input: Input | null, takes: Takes): PredictionRequest['input'] {
  const { examples, context } = examplesIn(input)
  const shared = featuresOf(context)
  const rows = examples.map((example, index) => joined(shared, featuresOf(example), index))
  const names = [...(rows[0]?.keys() ?? [])]
  const odd = rows.findIndex(
    (row) => row.size !== names.length || names.some((name) => !row.has(name)),
  )
  if (odd >= 0)
    throw new Problem(
      'invalid',
      `example ${odd} has the features ${[...(rows[odd]?.keys() ?? [])].join(', ') || 'none'}, and the first has ${names.join(', ')}; all examples must have the same`,
    )
  return inputOfNamed(
    new Map<string, Value>(names.map((name) => [name, rows.map((row) => row.get(name) as Value)])),
    takes,
  )
}

function examplesIn(input: Input | null): {
  examples: readonly Example[]
  context: Example | null
} {
  const examples = input?.example_list_with_context?.examples ?? input?.example_list?.examples ?? []
  if (examples.length === 0)
    throw new Problem('invalid', 'Input is empty; send at least one example')
  return { examples, context: input?.example_list_with_context?.context ?? null }
}

function featuresOf(example: Example | null): Row {
  const features = Object.entries(example?.features?.feature ?? {})
  return new Map(features.map(([name, feature]) => [name, valueOf(name, feature)]))
}

/** A feature is a list, and a list of one value is that value. */
function valueOf(name: string, feature: Feature): Value {
  const values: Value[] = [
    ...(feature.bytes_list?.value ?? []).map((bytes) => textOfBytes(name, bytes)),
    ...(feature.float_list?.value ?? []),
    ...(feature.int64_list?.value ?? []).map((integer) => exactNumber(BigInt(integer))),
  ]
  return values.length === 1 ? (values[0] as Value) : values
}

function joined(shared: Row, own: Row, index: number): Row {
  const twice = [...own.keys()].find((name) => shared.has(name))
  if (twice !== undefined)
    throw new Problem(
      'invalid',
      `feature ${twice} is in the context and in example ${index}; send it once`,
    )
  const row = new Map([...shared, ...own])
  if (row.size === 0) throw new Problem('invalid', `example ${index} has no features`)
  return row
}
