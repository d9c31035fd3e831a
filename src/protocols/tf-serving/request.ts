import type { ExactJson } from '#base/exact-json'
import { Problem } from '#base/problem'
import {
  tensorOfNested,
  type Described,
  type PredictionRequest,
  type SignatureColumn,
  type Tensor,
  type TensorSpec,
  type Value,
} from '#inference'
import {
  bodyIn,
  isBinary,
  isDictionary,
  isList,
  kindOf,
  valueIn,
  type Dictionary,
} from './value.ts'

type Input = PredictionRequest['input']

/** A prediction that is asked for: by rows (`instances`) or by inputs (`inputs`), which its answer follows. */
export interface PredictRequest {
  readonly input: Input
  readonly form: 'row' | 'column'
}

/** What a model takes, as far as reading a request needs it. */
export type Takes = Pick<Described, 'shape' | 'columns'>

/** Signatures are the models' own here, and each has one. */
const SIGNATURES = new Set(['', 'serving_default'])

/** Reads the body of a prediction. Throws `invalid`. */
export function predictRequestIn(bytes: Buffer, takes: Takes): PredictRequest {
  const body = bodyIn(bytes)
  checkSignature(body['signature_name'])
  const { instances, inputs } = body
  if (instances !== undefined && inputs !== undefined)
    throw new Problem('invalid', "the request has both 'instances' and 'inputs'; send one of them")
  if (instances !== undefined) return { input: rowsIn(instances, takes), form: 'row' }
  if (inputs !== undefined) return { input: columnsIn(inputs, takes), form: 'column' }
  throw new Problem(
    'invalid',
    `Missing 'inputs' or 'instances' key; the request has ${Object.keys(body).slice(0, 8).join(', ') || 'no keys'}`,
  )
}

export function checkSignature(name: ExactJson | undefined): void {
  if (name === undefined) return
  if (typeof name !== 'string')
    throw new Problem('invalid', "'signature_name' key must be a string value")
  if (!SIGNATURES.has(name))
    throw new Problem(
      'invalid',
      `Serving signature key "${name}" not found; the one signature of a model here is serving_default`,
    )
}

function rowsIn(instances: ExactJson, takes: Takes): Input {
  if (!isList(instances))
    throw new Problem(
      'invalid',
      `'instances' must be a list, one item a row, not ${kindOf(instances)}`,
    )
  const [first] = instances
  if (first === undefined)
    throw new Problem('invalid', "'instances' is an empty list; send at least one row")
  const areNamed = isNamed(first)
  const odd = instances.findIndex((row) => isNamed(row) !== areNamed)
  if (odd >= 0)
    throw new Problem(
      'invalid',
      `Expecting ${areNamed ? 'object' : 'value/list'} but got ${areNamed ? 'value/list' : 'object'} at item ${odd} of input list`,
    )
  return areNamed
    ? namedRows(instances as readonly Dictionary[], takes)
    : plainRows(instances, takes)
}

/** An object whose keys name inputs, and not one that holds bytes. */
function isNamed(row: ExactJson): row is Dictionary {
  return isDictionary(row) && !isBinary(row)
}

function plainRows(instances: readonly ExactJson[], takes: Takes): Input {
  const { inputs } = takes.shape
  const [only] = inputs
  if (only !== undefined && inputs.length === 1)
    return tensors([tensorOfNested(only, valueIn(instances, only.name, typeOf(takes, only.name)))])
  const names = inputs.map(({ name }) => name)
  if (!instances.every((row) => isList(row) && row.length === names.length))
    throw new Problem(
      'invalid',
      `instances is a plain list, but expecting list of objects as multiple inputs are required: ${names.join(', ')}; lists of ${names.length} values in this order are taken too`,
    )
  return {
    form: 'unnamed',
    rows: (instances as readonly (readonly ExactJson[])[]).map((row) =>
      row.map((value, index) => {
        const name = names[index] ?? ''
        return valueIn(value, name, typeOf(takes, name))
      }),
    ),
  }
}

function namedRows(instances: readonly Dictionary[], takes: Takes): Input {
  const names = Object.keys(instances[0] ?? {})
  for (const [index, row] of instances.entries()) {
    const given = Object.keys(row)
    const other =
      given.find((name) => !names.includes(name)) ?? names.find((name) => !Object.hasOwn(row, name))
    if (other !== undefined)
      throw new Problem(
        'invalid',
        `Failed to process element: ${index} of 'instances' list; item 0 has the inputs ${names.join(', ')}, and this one ${Object.hasOwn(row, other) ? 'has' : 'lacks'} ${other}: all rows name the same`,
      )
  }
  return named(
    new Map(
      names.map((name) => [
        name,
        instances.map((row) => valueIn(row[name] as ExactJson, name, typeOf(takes, name))),
      ]),
    ),
    takes,
  )
}

function columnsIn(inputs: ExactJson, takes: Takes): Input {
  if (isNamed(inputs)) {
    const values = Object.entries(inputs).map(
      ([name, value]) => [name, valueIn(value, name, typeOf(takes, name))] as const,
    )
    if (values.length === 0) throw new Problem('invalid', "'inputs' is empty; name the inputs")
    return named(new Map(values), takes)
  }
  const [only, ...more] = takes.shape.inputs
  if (only === undefined || more.length > 0)
    throw new Problem(
      'invalid',
      `inputs is a plain value/list, but expecting an object as multiple inputs are required: ${takes.shape.inputs.map(({ name }) => name).join(', ')}`,
    )
  return tensors([tensorOfNested(only, valueIn(inputs, only.name, typeOf(takes, only.name)))])
}

/** Inputs by name: as columns where the model's signature names them and each value is a single one, else as tensors. */
export function named(values: ReadonlyMap<string, Value>, takes: Takes): Input {
  const { shape, columns } = takes
  const names = [...values.keys()]
  const known = new Set([...shape.inputs, ...(columns ?? [])].map(({ name }) => name))
  const unknown = names.find((name) => !known.has(name))
  if (unknown !== undefined)
    throw new Problem(
      'invalid',
      `JSON object: does not have named input: ${unknown}; the model takes ${takenNames(takes)}`,
    )
  const rows = columns === null ? undefined : rowsByColumn(values, columns)
  if (rows !== undefined) return { form: 'rows', columns: names, rows }
  return tensors(
    shape.inputs
      .filter(({ name, optional }) => optional !== true || values.has(name))
      .map((spec) => tensorOfNested(spec, valueOf(values, spec, takes))),
  )
}

function valueOf(values: ReadonlyMap<string, Value>, { name }: TensorSpec, takes: Takes): Value {
  const value = values.get(name)
  if (value === undefined)
    throw new Problem(
      'invalid',
      `JSON object: is missing the named input ${name}; the model takes ${takenNames(takes)}`,
    )
  return value
}

/** Rows of single values; undefined if these are others, or lists of different lengths, which tensors tell better. */
function rowsByColumn(
  values: ReadonlyMap<string, Value>,
  columns: readonly SignatureColumn[],
): Value[][] | undefined {
  const lists = [...values.entries()].map(([name, value]) =>
    Array.isArray(value) && columns.some((column) => column.name === name)
      ? (value as readonly Value[]).map(unwrapped)
      : undefined,
  )
  const count = lists[0]?.length
  const are = lists.every(
    (list) => list?.length === count && list?.every((value) => !Array.isArray(value)),
  )
  if (!are || count === undefined) return undefined
  return Array.from({ length: count }, (_, row) => lists.map((list) => list?.[row] ?? null))
}

/** [value] is how a tensor of the shape [n,1] writes a row. */
function unwrapped(value: Value): Value {
  return Array.isArray(value) && value.length === 1
    ? ((value[0] as Value | undefined) ?? null)
    : value
}

function typeOf({ columns }: Takes, input: string): SignatureColumn['type'] | undefined {
  return columns?.find(({ name }) => name === input)?.type
}

function takenNames({ shape, columns }: Takes): string {
  const inputs = shape.inputs.map(({ name }) => name)
  const names = columns?.map(({ name }) => name) ?? []
  const more = names.some((name) => !inputs.includes(name))
    ? `, or the columns ${names.join(', ')}`
    : ''
  return `${inputs.join(', ')}${more}`
}

function tensors(read: readonly Tensor[]): Input {
  return { form: 'tensors', tensors: read }
}
