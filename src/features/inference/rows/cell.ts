import { printExactJson } from '#base/exact-json'
import { Problem } from '#base/problem'
import { jsonIn, misfit } from './declared.ts'
import type { SignatureColumn } from './signature.ts'
import { isFloat, isInteger, type Scalar, type TensorType, type Value } from '../tensor.ts'

const INTEGER_MAX = 2 ** 31 - 1

/**
 * A value as a model's column takes it, by MLflow's rules: a whole number goes into any numeric column and
 * nothing else changes its kind. `null` is a gap: NaN where the model takes floats, and otherwise refused.
 * Throws an `invalid` problem that names the column and the row.
 */
export function cellFor(
  value: Value,
  column: SignatureColumn,
  type: TensorType,
  row: number,
): Scalar {
  const cell = checked(value, column, row)
  if (cell !== null) return fitting(cell, column, type, row)
  const numeric = column.type === 'float' || column.type === 'double'
  if (isFloat(type) && (numeric || !column.required)) return null
  if (type === 'string' && !column.required) return ''
  throw mistake(column, row, 'is null, which this column does not allow')
}

function checked(value: Value, column: SignatureColumn, row: number): Scalar {
  if (value === null) return null
  if (typeof value === 'object') throw mistake(column, row, 'is a list, not a single value')
  switch (column.type) {
    case 'boolean':
      if (typeof value === 'boolean') return value
      break
    case 'integer':
    case 'long':
      return whole(value, column, row)
    case 'float':
    case 'double':
      if (typeof value === 'number' || typeof value === 'bigint') return Number(value)
      break
    case 'string':
      if (typeof value === 'string') return value
      break
    case 'binary':
    case 'datetime':
      if (typeof value === 'string' || typeof value === 'number') return value
      break
    case 'array':
    case 'object':
    case 'map':
    case 'any':
      // A model with a tensor for it takes its lists by their elements.
      return value
  }
  throw mistake(column, row, `is ${shown(value)}, which cannot become ${column.type}`)
}

function whole(value: Scalar, column: SignatureColumn, row: number): Scalar {
  if (typeof value === 'bigint') return value
  if (typeof value !== 'number' || !Number.isInteger(value))
    throw mistake(column, row, `is ${shown(value)}, which cannot become ${column.type}`)
  if (column.type === 'integer' && Math.abs(value) > INTEGER_MAX + (value < 0 ? 1 : 0))
    throw mistake(column, row, `is ${value}, which does not fit 32 bits`)
  if (!Number.isSafeInteger(value))
    throw mistake(column, row, `is ${value}, which has lost digits on its way`)
  return value
}

/** The model's own type may be narrower than the signature's. */
function fitting(
  cell: NonNullable<Scalar>,
  column: SignatureColumn,
  type: TensorType,
  row: number,
): Scalar {
  const fits =
    type === 'string'
      ? typeof cell === 'string'
      : type === 'bool'
        ? typeof cell === 'boolean'
        : typeof cell !== 'string' && (isFloat(type) || Number.isInteger(Number(cell)))
  if (!fits) throw mistake(column, row, `is ${shown(cell)}, but the model takes ${type}`)
  if (isInteger(type) && !fitsBits(BigInt(cell), type))
    throw mistake(column, row, `is ${shown(cell)}, which does not fit the model's ${type}`)
  if (type === 'string' && (cell as string).includes('\0'))
    throw mistake(column, row, 'has a NUL character, which the model would cut it at')
  return cell
}

/** Whether the bits of a type of whole numbers hold one. */
export function fitsBits(integer: bigint, type: TensorType): boolean {
  const bits = BigInt(type.replace(/\D/g, ''))
  return type.startsWith('u')
    ? integer >= 0n && integer < 1n << bits
    : integer >= -(1n << (bits - 1n)) && integer < 1n << (bits - 1n)
}

/** A value as a message shows it. */
export function shown(value: Scalar): string {
  const text = typeof value === 'string' ? JSON.stringify(value) : String(value)
  return text.length > 40 ? `${text.slice(0, 40)}…` : text
}

/** The JSON of a value of an `array`, `object`, `map` or `any`, for a model that takes it as a text. */
export function jsonCell(value: Value, column: SignatureColumn, row: number): string {
  const json = jsonIn(value)
  const absent = json === null && !column.required
  const wrong = absent || column.nested === undefined ? undefined : misfit(json, column.nested)
  if (wrong !== undefined) throw mistake(column, row, `is not what is declared: ${wrong}`)
  return printExactJson(json)
}

function mistake(column: SignatureColumn, row: number, what: string): Problem {
  return new Problem('invalid', `column ${column.name} in row ${row} ${what}`, {
    signature: 'value',
  })
}
