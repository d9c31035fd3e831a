import { Problem } from '#base/problem'
import type { PredictionRequest } from './request.ts'
import type { Described } from './inference.ts'
import { tensorOfNested } from './rows/nested.ts'
import type { SignatureColumn } from './rows/signature.ts'
import { flattened, type TensorSpec, type TensorType, type Value } from './tensor.ts'

/** What a model takes, as far as reading a request needs it. */
export type Takes = Pick<Described, 'shape' | 'columns' | 'monitored'>

/**
 * What a model is asked by values that are named, each with a list of one value a row: as columns where its signature
 * names them and each value is a single one, and as tensors of its own inputs otherwise. What the endpoint's monitor
 * reads goes along; any other name is refused. Throws `invalid`.
 */
export function inputOfNamed(
  values: ReadonlyMap<string, Value>,
  takes: Takes,
): PredictionRequest['input'] {
  const { shape, columns, monitored = [] } = takes
  const names = [...values.keys()]
  const known = new Set([
    ...[...shape.inputs, ...(columns ?? [])].map(({ name }) => name),
    ...monitored,
  ])
  const unknown = names.find((name) => !known.has(name))
  if (unknown !== undefined)
    throw new Problem(
      'invalid',
      `the model does not have named input: ${unknown}; it takes ${takenNames(takes)}`,
    )
  const rows = columns === null ? undefined : rowsByColumn(values, columns, monitored)
  if (rows !== undefined) return { form: 'rows', columns: names, rows }
  const own = shape.inputs
    .filter(({ name, optional }) => optional !== true || values.has(name))
    .map((spec) => tensorOfNested(spec, valueOf(values, spec, takes)))
  const more = monitored
    .filter((name) => values.has(name) && own.every((tensor) => tensor.name !== name))
    .map((name) => tensorOfNested({ name, type: typeOf(values.get(name)) }, values.get(name) ?? []))
  return { form: 'tensors', tensors: [...own, ...more] }
}

/** Of values that no model types: texts, whole numbers or others. */
function typeOf(value: Value | undefined): TensorType {
  const scalars = flattened([value ?? null])
  if (scalars.every((each) => typeof each === 'bigint' || Number.isSafeInteger(each)))
    return 'int64'
  return scalars.every((each) => typeof each === 'number') ? 'float64' : 'string'
}

function valueOf(values: ReadonlyMap<string, Value>, { name }: TensorSpec, takes: Takes): Value {
  const value = values.get(name)
  if (value === undefined)
    throw new Problem(
      'invalid',
      `the request is missing the named input ${name}; the model takes ${takenNames(takes)}`,
    )
  return value
}

/** Rows of single values; undefined if these are others, or lists of different lengths, which tensors tell better. */
function rowsByColumn(
  values: ReadonlyMap<string, Value>,
  columns: readonly SignatureColumn[],
  monitored: readonly string[],
): Value[][] | undefined {
  const known = new Set([...columns.map(({ name }) => name), ...monitored])
  const lists = [...values.entries()].map(([name, value]) =>
    Array.isArray(value) && known.has(name)
      ? (value as readonly Value[]).map(unwrapped)
      : undefined,
  )
  const count = lists[0]?.length
  const areRows = lists.every(
    (list) => list?.length === count && list?.every((value) => !Array.isArray(value)),
  )
  if (!areRows || count === undefined) return undefined
  return Array.from({ length: count }, (_, row) => lists.map((list) => list?.[row] ?? null))
}

/** [value] is how a tensor of the shape [n,1] writes a row. */
function unwrapped(value: Value): Value {
  return Array.isArray(value) && value.length === 1 ? (value[0] as Value) : value
}

function takenNames({ shape, columns, monitored = [] }: Takes): string {
  const inputs = shape.inputs.map(({ name }) => name)
  const names = columns?.map(({ name }) => name) ?? []
  const asColumns = names.some((name) => !inputs.includes(name))
  return `${inputs.join(', ')}${asColumns ? `, or the columns ${names.join(', ')}` : ''}${monitored.length > 0 ? `, and for its monitor ${monitored.join(', ')}` : ''}`
}
