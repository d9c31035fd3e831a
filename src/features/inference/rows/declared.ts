import { parseExactJson, printExactJson, type ExactJson } from '#base/exact-json'
import type { NestedSpec } from './signature.ts'
import type { Value } from '../tensor.ts'

type Dictionary = Readonly<Record<string, ExactJson>>

/**
 * The JSON of a value in a column of an `array`, `object`, `map` or `any`. Protocols carry a dictionary as
 * its JSON, so a text that is the JSON of one is taken for it.
 */
export function jsonIn(value: Value): ExactJson {
  if (typeof value !== 'string' || !value.startsWith('{')) return value
  try {
    return parseExactJson(value)
  } catch {
    return value
  }
}

/** What keeps a value from being what its column declares; undefined when nothing does. */
export function misfit(value: ExactJson, spec: NestedSpec): string | undefined {
  if (spec.type === 'array') return arrayMisfit(value, spec.items)
  if (spec.type === 'map') return mapMisfit(value, spec.values)
  if (spec.type === 'object') return objectMisfit(value, spec)
  return spec.type === 'any' ? undefined : scalarMisfit(value, spec.type)
}

function arrayMisfit(value: ExactJson, items: NestedSpec): string | undefined {
  if (items.type === 'any' && value === null) return undefined
  if (!isList(value)) return `${kind(value)} stands where a list is declared`
  return firstOf(value, (each, at) => within(misfit(each, items), String(at)))
}

function mapMisfit(value: ExactJson, values: NestedSpec): string | undefined {
  if (values.type === 'any' && value === null) return undefined
  if (!isDictionary(value)) return `${kind(value)} stands where a dictionary is declared`
  return firstOf(Object.entries(value), ([key, each]) => within(misfit(each, values), key))
}

function objectMisfit(
  value: ExactJson,
  { properties }: NestedSpec & { type: 'object' },
): string | undefined {
  if (!isDictionary(value)) return `${kind(value)} stands where a dictionary is declared`
  const missing = properties.find(({ name, required }) => required && !Object.hasOwn(value, name))
  if (missing !== undefined) return `it lacks the required property ${missing.name}`
  const extra = Object.keys(value).find((key) => !properties.some(({ name }) => name === key))
  if (extra !== undefined) return `its property ${extra.slice(0, 40)} is not declared`
  return firstOf(properties, ({ name, required, of }) => {
    const each = Object.hasOwn(value, name) ? value[name] : undefined
    if (each === undefined || (!required && each === null)) return undefined
    return within(misfit(each, of), name)
  })
}

function scalarMisfit(value: ExactJson, type: string): string | undefined {
  const fits = () => {
    switch (type) {
      case 'boolean':
        return typeof value === 'boolean'
      case 'integer':
      case 'long':
        return typeof value === 'bigint' || (typeof value === 'number' && Number.isInteger(value))
      case 'float':
      case 'double':
        // Python's json writes NaN, which has been read as a gap.
        return typeof value === 'number' || typeof value === 'bigint' || value === null
      default:
        return typeof value === 'string'
    }
  }
  return fits() ? undefined : `${kind(value)} stands where ${type} is declared`
}

function firstOf<Each>(
  values: readonly Each[],
  find: (each: Each, index: number) => string | undefined,
): string | undefined {
  for (const [index, each] of values.entries()) {
    const found = find(each, index)
    if (found !== undefined) return found
  }
  return undefined
}

function within(problem: string | undefined, where: string): string | undefined {
  return problem === undefined ? undefined : `in ${where.slice(0, 40)}: ${problem}`
}

function kind(value: ExactJson): string {
  if (isList(value)) return 'a list'
  if (isDictionary(value)) return 'a dictionary'
  const text = printExactJson(value)
  return text.length > 40 ? `${text.slice(0, 40)}…` : text
}

function isDictionary(value: ExactJson): value is Dictionary {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isList(value: ExactJson): value is readonly ExactJson[] {
  return Array.isArray(value)
}
