import { parseExactJson } from '#base/exact-json'
import { messageOf } from '#base/problem'
import type {
  ColumnSpec,
  FieldSpec,
  ModelDescription,
  NestedSpec,
  ParamSpec,
  ScalarType,
} from '#registry'

/** A declaration deeper than this is not read further: no value of a request is. */
const NESTED_DEPTH_MAX = 32

const SCALAR_TYPES: readonly ScalarType[] = [
  'boolean',
  'integer',
  'long',
  'float',
  'double',
  'string',
  'binary',
  'datetime',
]

const COLUMN_TYPES: readonly ColumnSpec['type'][] = [
  ...SCALAR_TYPES,
  'array',
  'object',
  'map',
  'any',
]

/** What the signature of an `MLmodel` file says; what it says wrongly is added to the problems. */
export function signatureIn(declared: unknown, problems: string[]): ModelDescription['signature'] {
  const { inputs, outputs, params } = recordIn(declared)
  if (typeof inputs !== 'string') return null
  return {
    inputs: fieldsIn(inputs, 'inputs', problems),
    outputs: typeof outputs === 'string' ? fieldsIn(outputs, 'outputs', problems) : [],
    ...(typeof params === 'string' ? { params: paramsIn(params, problems) } : {}),
  }
}

function fieldsIn(json: string, side: string, problems: string[]): FieldSpec[] {
  return listIn(json, side, problems).map((each, index) => fieldIn(recordIn(each), index, problems))
}

function fieldIn(field: Record<string, unknown>, index: number, problems: string[]): FieldSpec {
  const named = typeof field['name'] === 'string'
  const name = named ? String(field['name']) : String(index)
  const required = field['required'] !== false && field['optional'] !== true
  if (field['type'] === 'tensor') {
    const { dtype, shape } = recordIn(field['tensor-spec'])
    const sizes = Array.isArray(shape) ? shape.map(Number) : []
    return { name, type: 'tensor', dtype: String(dtype), shape: sizes, required }
  }
  const type = COLUMN_TYPES.find((each) => each === typeIn(field))
  if (type === undefined)
    problems.push(
      `the column ${name} has the type ${JSON.stringify(field['type'])}, not known here`,
    )
  const nested = ['array', 'object', 'map'].includes(type ?? '') ? nestedIn(field, 0) : undefined
  return {
    name,
    type: type ?? 'any',
    required,
    ...(named ? {} : { unnamed: true }),
    ...(nested === undefined ? {} : { nested }),
  }
}

function nestedIn(declared: unknown, depth: number): NestedSpec {
  const spec = recordIn(declared)
  const type = typeIn(spec)
  const inner = depth + 1
  if (inner > NESTED_DEPTH_MAX) return { type: 'any' }
  if (type === 'array') return { type, items: nestedIn(spec['items'], inner) }
  if (type === 'map') return { type, values: nestedIn(spec['values'], inner) }
  if (type === 'object')
    return {
      type,
      properties: Object.entries(recordIn(spec['properties'])).map(([name, each]) => ({
        name,
        required: recordIn(each)['required'] !== false,
        of: nestedIn(each, inner),
      })),
    }
  return { type: SCALAR_TYPES.find((each) => each === type) ?? 'any' }
}

function paramsIn(json: string, problems: string[]): ParamSpec[] {
  return listIn(json, 'params', problems).flatMap((each) => {
    const { name, default: value, shape, type } = recordIn(each)
    const known = ([...SCALAR_TYPES, 'object'] as const).find((one) => one === type)
    if (typeof name !== 'string' || known === undefined) {
      problems.push(`the parameter ${JSON.stringify(name)} has no type that is known here`)
      return []
    }
    const sizes = Array.isArray(shape) ? shape.map(Number) : null
    return [{ name, type: known, default: rounded(value ?? null), shape: sizes }]
  })
}

/** As it is kept; MLflow itself knows all digits. */
function rounded(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(rounded)
  return typeof value === 'bigint' ? Number(value) : value
}

function typeIn(field: Record<string, unknown>): string {
  return String(field['type']).toLowerCase()
}

function listIn(json: string, side: string, problems: string[]): unknown[] {
  try {
    // Python writes NaN, as defaults of parameters may be.
    const list: unknown = parseExactJson(json)
    return Array.isArray(list) ? list : []
  } catch (error) {
    problems.push(`signature.${side} cannot be read: ${messageOf(error).split('\n')[0]}`)
    return []
  }
}

export function recordIn(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : {}
}
