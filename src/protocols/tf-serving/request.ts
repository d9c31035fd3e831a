import type { ExactJson } from '#base/exact-json'
import { Problem } from '#base/problem'
import {
  inputOfNamed,
  tensorOfNested,
  type PredictionRequest,
  type SignatureColumn,
  type Takes,
  type Tensor,
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

/** Rows beside those that are to be explained, which say what is usual; undefined without any. Throws `invalid`. */
export function backgroundIn(bytes: Buffer, takes: Takes): Input | undefined {
  const { background } = bodyIn(bytes)
  return background === undefined ? undefined : rowsIn(background, takes, 'background')
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

function rowsIn(instances: ExactJson, takes: Takes, key = 'instances'): Input {
  if (!isList(instances))
    throw new Problem(
      'invalid',
      `'${key}' must be a list, one item a row, not ${kindOf(instances)}`,
    )
  const [first] = instances
  if (first === undefined)
    throw new Problem('invalid', `'${key}' is an empty list; send at least one row`)
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
  return inputOfNamed(
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
    return inputOfNamed(new Map(values), takes)
  }
  const [only, ...more] = takes.shape.inputs
  if (only === undefined || more.length > 0)
    throw new Problem(
      'invalid',
      `inputs is a plain value/list, but expecting an object as multiple inputs are required: ${takes.shape.inputs.map(({ name }) => name).join(', ')}`,
    )
  return tensors([tensorOfNested(only, valueIn(inputs, only.name, typeOf(takes, only.name)))])
}

function typeOf({ columns }: Takes, input: string): SignatureColumn['type'] | undefined {
  return columns?.find(({ name }) => name === input)?.type
}

function tensors(read: readonly Tensor[]): Input {
  return { form: 'tensors', tensors: read }
}
