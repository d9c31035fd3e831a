import type { ExactJson } from '#base/exact-json'
import { Problem } from '#base/problem'
import {
  inputOfNamed,
  RANK_MAX,
  tensorOfNested,
  type PredictionRequest,
  type Takes,
  type TensorSpec,
  type Value,
} from '#inference'
import type { Item } from './body.ts'

type Input = PredictionRequest['input']
type Dictionary = Readonly<Record<string, ExactJson>>

/** What is asked, and what its answer is: of one row, of a list of rows, or in KServe's envelope. */
export interface Asked {
  readonly input: Input
  readonly answer: 'row' | 'rows' | 'predictions'
}

/** What a model is asked by an item. Throws `invalid` for what cannot become its inputs. */
export function askedIn(item: Item, takes: Takes): Asked {
  if (isDictionary(item)) {
    const names = new Set(takes.shape.inputs.map(({ name }) => name))
    if (isList(item['instances']) && !names.has('instances'))
      return { input: rowsIn(item['instances'], takes).input, answer: 'predictions' }
    const [key, ...more] = Object.keys(item)
    const isWrapped = (key === 'data' || key === 'body') && more.length === 0 && !names.has(key)
    return isWrapped ? askedIn(item[key] as ExactJson, takes) : namedRow(item, takes)
  }
  if (isList(item)) return rowsIn(item, takes)
  const [only, ...more] = takes.shape.inputs
  if (only === undefined || more.length > 0) throw unfit(`one value, ${shown(item)},`, takes)
  return { input: tensorInput(only, [valueIn(item, only.name)]), answer: 'row' }
}

/** Names with a value each are one row; names with a list each, where the model takes single values, are columns. */
function namedRow(item: Dictionary, takes: Takes): Asked {
  const values = Object.entries(item).map(([name, value]) => [name, valueIn(value, name)] as const)
  if (values.length === 0) throw unfit('an object without keys', takes)
  const areColumns = values.every(
    ([name, value]) => Array.isArray(value) && takesSingle(takes, name) && value.length !== 1,
  )
  if (areColumns) return { input: inputOfNamed(new Map(values), takes), answer: 'rows' }
  const row = new Map<string, Value>(values.map(([name, value]) => [name, [value]]))
  return { input: inputOfNamed(row, takes), answer: 'row' }
}

function takesSingle({ shape }: Takes, name: string): boolean {
  const spec = shape.inputs.find((input) => input.name === name)
  return spec === undefined || spec.shape.slice(1).every((size) => size === 1)
}

function rowsIn(list: readonly ExactJson[], takes: Takes): Asked {
  if (list.length === 0) throw unfit('an empty list', takes)
  if (list.every(isDictionary)) return namedRows(list, takes)
  const [only, ...more] = takes.shape.inputs
  if (only !== undefined && more.length === 0) return plainRows(list, only)
  const width = takes.shape.inputs.length
  if (list.length === width && list.every((value) => !isList(value) && !isDictionary(value)))
    return { input: unnamed([list]), answer: 'row' }
  if (list.every((row) => isList(row) && row.length === width))
    return { input: unnamed(list as readonly (readonly ExactJson[])[]), answer: 'rows' }
  throw unfit(`a list of ${list.length}`, takes)
}

function namedRows(rows: readonly Dictionary[], takes: Takes): Asked {
  const names = Object.keys(rows[0] ?? {})
  const odd = rows.findIndex(
    (row) =>
      Object.keys(row).length !== names.length || names.some((name) => !Object.hasOwn(row, name)),
  )
  if (odd >= 0 || names.length === 0)
    throw new Problem(
      'invalid',
      `row ${Math.max(odd, 0)} does not have the keys of row 0 (${names.join(', ') || 'none'}); all rows must have the same`,
    )
  const values = new Map<string, Value>(
    names.map((name) => [name, rows.map((row) => valueIn(row[name] as ExactJson, name))]),
  )
  return { input: inputOfNamed(values, takes), answer: 'rows' }
}

/** For a model of one input: a list that is as deep as the input is rows, one that is less deep by one is a row. */
function plainRows(list: readonly ExactJson[], spec: TensorSpec): Asked {
  const value = valueIn(list, spec.name)
  let rank = 0
  for (let each: Value | undefined = value; Array.isArray(each); each = each[0] as Value) rank++
  const isRow = rank === spec.shape.length - 1 && !spec.shape.slice(1).every((size) => size === 1)
  return { input: tensorInput(spec, isRow ? [value] : value), answer: isRow ? 'row' : 'rows' }
}

function unnamed(rows: readonly (readonly ExactJson[])[]): Input {
  return { form: 'unnamed', rows: rows.map((row, index) => valueIn(row, `of row ${index}`)) }
}

function tensorInput(spec: TensorSpec, value: Value): Input {
  return { form: 'tensors', tensors: [tensorOfNested(spec, value)] }
}

function valueIn(json: ExactJson, input: string): Value {
  const walk = (each: ExactJson, depth: number): Value => {
    if (isDictionary(each))
      throw new Problem('invalid', `input ${input} has an object where a value is meant`)
    if (!isList(each)) return each
    if (depth >= RANK_MAX)
      throw new Problem(
        'invalid',
        `input ${input} has lists within lists more than ${RANK_MAX} deep; no model takes such`,
      )
    return each.map((inner) => walk(inner, depth + 1))
  }
  return walk(json, 0)
}

function unfit(what: string, { shape }: Takes): Problem {
  const inputs = shape.inputs.map(
    ({ name, type, shape: sizes }) =>
      `${name} (${type} [${sizes.map((size) => size ?? -1).join(', ')}])`,
  )
  return new Problem(
    'invalid',
    `${what} cannot become the model's inputs, which are ${inputs.join(', ')}; send an object with these names for a row, or a list of such objects`,
  )
}

function isDictionary(value: ExactJson | undefined): value is Dictionary {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isList(value: ExactJson | undefined): value is readonly ExactJson[] {
  return Array.isArray(value)
}

function shown(value: ExactJson): string {
  const text = typeof value === 'bigint' ? String(value) : JSON.stringify(value)
  return text.length > 40 ? `${text.slice(0, 40)}…` : text
}
