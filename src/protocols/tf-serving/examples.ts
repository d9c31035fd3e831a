import { Problem } from '#base/problem'
import { inputOfNamed, type PredictionRequest, type Takes, type Value } from '#inference'
import { checkSignature } from './request.ts'
import {
  bodyIn,
  isBinary,
  isDictionary,
  isList,
  kindOf,
  valueIn,
  type Dictionary,
} from './value.ts'

/** Reads the body of a classification or a regression: examples of features, and features that all of them share. */
export function examplesIn(bytes: Buffer, takes: Takes): PredictionRequest['input'] {
  const body = bodyIn(bytes)
  checkSignature(body['signature_name'])
  const context = body['context'] ?? {}
  if (!isFeatures(context))
    throw new Problem('invalid', `'context' must be an object of features, not ${kindOf(context)}`)
  const { examples } = body
  if (!isList(examples) || examples.length === 0)
    throw new Problem(
      'invalid',
      "'examples' must be a list with at least one example, each an object of features",
    )
  const rows = examples.map((example, index) => exampleIn(example ?? null, { context, index }))
  const names = Object.keys(rows[0] ?? {})
  const odd = rows.findIndex(
    (row) =>
      Object.keys(row).length !== names.length || names.some((name) => !Object.hasOwn(row, name)),
  )
  if (odd >= 0)
    throw new Problem(
      'invalid',
      `example ${odd} has the features ${Object.keys(rows[odd] ?? {}).join(', ') || 'none'}, and the first has ${names.join(', ')}; all examples must have the same`,
    )
  return inputOfNamed(
    new Map<string, Value>(
      names.map((name) => {
        const type = takes.columns?.find((column) => column.name === name)?.type
        return [name, rows.map((row) => single(valueIn(row[name] ?? null, name, type)))]
      }),
    ),
    takes,
  )
}

function exampleIn(
  example: Dictionary[string],
  { context, index }: { context: Dictionary; index: number },
): Dictionary {
  if (!isFeatures(example))
    throw new Problem(
      'invalid',
      `Example ${index} must be an object of features, not ${kindOf(example)}`,
    )
  const twice = Object.keys(example).find((name) => Object.hasOwn(context, name))
  if (twice !== undefined)
    throw new Problem(
      'invalid',
      `feature ${twice} is in 'context' and in example ${index}; send it once`,
    )
  const all = { ...context, ...example }
  if (Object.keys(all).length === 0)
    throw new Problem('invalid', `example ${index} has no features`)
  return all
}

/** A feature is a list of values, and one value is the same as a list of it. */
function single(value: Value): Value {
  return Array.isArray(value) && value.length === 1 ? (value[0] as Value) : value
}

function isFeatures(value: Dictionary[string]): value is Dictionary {
  return isDictionary(value) && !isBinary(value)
}
