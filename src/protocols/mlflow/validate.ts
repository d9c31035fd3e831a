import type { FastifySchemaCompiler } from 'fastify'
import type { TSchema } from 'typebox'
import { Compile } from 'typebox/compile'
import { Problem } from '#base/problem'

interface Shape {
  readonly type?: string
  readonly properties?: Readonly<Record<string, Shape>>
  readonly items?: Shape
}

/**
 * Validates requests as protobuf's JSON is read: fields in snake_case or camelCase, whole numbers also as
 * texts, `null` and unknown fields as absent.
 */
export const mlflowValidator: FastifySchemaCompiler<TSchema> = ({ schema, httpPart }) => {
  // Compiled at first use, so that a start does not wait for a hundred schemas.
  let compiled: ReturnType<typeof Compile> | undefined
  return (data: unknown) => {
    compiled ??= Compile(schema)
    try {
      const value = shaped(schema, data ?? {}, httpPart === 'body' ? BODY : QUERY)
      if (compiled.Check(value)) return { value }
      return { error: mistake([...compiled.Errors(value)], value) }
    } catch (error) {
      return { error: error as Error }
    }
  }
}

interface Part {
  readonly isQuery: boolean
}
const BODY: Part = { isQuery: false }
const QUERY: Part = { isQuery: true }

/** The value as the schema wants it, as far as that is a matter of spelling. */
function shaped(schema: Shape, value: unknown, part: Part): unknown {
  if (schema.type === 'object' && schema.properties !== undefined && isObject(value))
    return shapedObject(schema, value, part)
  if (schema.type === 'array') {
    // A query parameter that stands there once is a list of one.
    const list = part.isQuery && !Array.isArray(value) ? [value] : value
    return Array.isArray(list) ? list.map((item) => shaped(schema.items ?? {}, item, part)) : list
  }
  if (typeof value === 'string') {
    if (value.includes('\0'))
      throw new Problem(
        'invalid',
        'a text holds the character NUL, which no store keeps; leave it out',
      )
    if (schema.type === 'integer') return /^[+-]?\d+$/.test(value.trim()) ? Number(value) : value
    if (schema.type === 'boolean') return BOOLEANS.get(value.toLowerCase()) ?? value
  }
  return value
}

const BOOLEANS = new Map([
  ['true', true],
  ['false', false],
])

function shapedObject(
  schema: Shape,
  value: Record<string, unknown>,
  part: Part,
): Record<string, unknown> {
  const found: Record<string, unknown> = {}
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    const camel = name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())
    if (!part.isQuery && camel !== name && value[name] !== undefined && value[camel] !== undefined)
      throw new Problem('invalid', `the field ${name} is there twice, also as ${camel}; send one`)
    // Only bodies are protobuf's JSON, which has two spellings of each field.
    const given = value[name] ?? (part.isQuery ? undefined : value[camel])
    if (given !== undefined && given !== null) found[name] = shaped(property, given, part)
  }
  return found
}

interface Mistake {
  readonly keyword: string
  readonly instancePath: string
  readonly params: object
}

function mistake(mistakes: readonly Mistake[], value: unknown): Problem {
  const missing = mistakes.find(({ keyword }) => keyword === 'required' || keyword === 'minLength')
  if (missing !== undefined) {
    const { requiredProperties = [] } = missing.params as { requiredProperties?: string[] }
    const name = [pathOf(missing.instancePath), requiredProperties[0] ?? '']
      .filter(Boolean)
      .join('.')
    return new Problem(
      'invalid',
      `Missing value for required parameter '${name}'. See the API docs of MLflow for what the request takes`,
    )
  }
  const path = mistakes[0]?.instancePath ?? ''
  return new Problem(
    'invalid',
    `Invalid value ${excerpt(valueAt(value, path))} for parameter '${pathOf(path)}' supplied`,
  )
}

/** The beginning of a value for a message; some are too deep to be written out. */
export function excerpt(value: unknown): string {
  try {
    return JSON.stringify(value)?.slice(0, 200) ?? String(value)
  } catch {
    return 'of too many levels'
  }
}

/** `/metrics/3/key` as `metrics[3].key`. */
function pathOf(pointer: string): string {
  return pointer
    .split('/')
    .slice(1)
    .map((part) => (/^\d+$/.test(part) ? `[${part}]` : `.${part}`))
    .join('')
    .replace(/^\./, '')
}

function valueAt(value: unknown, pointer: string): unknown {
  return pointer
    .split('/')
    .slice(1)
    .reduce<unknown>((at, part) => (at as Record<string, unknown> | undefined)?.[part], value)
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
