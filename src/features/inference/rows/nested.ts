import { Problem } from '#base/problem'
import { fitsBits, shown } from './cell.ts'
import {
  dataOf,
  elementsOf,
  isFloat,
  isInteger,
  valueAt,
  type Scalar,
  type Tensor,
  type TensorSpec,
  type TensorType,
  type Value,
} from '../tensor.ts'

/** Lists in lists in lists: more than any model's inputs have, and few enough to walk by calls within calls. */
export const RANK_MAX = 32

/**
 * Reads nested lists as a tensor of this type: the lists give the shape. Throws `invalid` for lists that are not
 * of one size, and for an element that is none of the type; `null` is NaN among floats,
 * and a gap among texts that may be missing.
 */
export function tensorOfNested(
  spec: Pick<TensorSpec, 'name' | 'type' | 'nullable'>,
  value: Value,
): Tensor {
  const { name, type } = spec
  const shape = shapeOf(value, name)
  const elements: Scalar[] = []
  const collect = (each: Value, rank: number): void => {
    const size = shape[rank]
    if (Array.isArray(each) ? each.length !== size : size !== undefined) throw uneven(name, shape)
    if (!Array.isArray(each)) elements.push(checkedElement(each as Scalar, spec))
    else for (const inner of each as readonly Value[]) collect(inner, rank + 1)
  }
  collect(value, 0)
  const tensor = { name, type, shape, data: dataOf(type, elements) }
  if (type !== 'string' || !elements.includes(null)) return tensor
  return { ...tensor, gaps: Uint8Array.from(elements, (each) => (each === null ? 1 : 0)) }
}

function shapeOf(value: Value, name: string): number[] {
  const shape: number[] = []
  for (let each: Value | undefined = value; Array.isArray(each); each = each[0] as Value) {
    shape.push(each.length)
    if (shape.length > RANK_MAX)
      throw new Problem(
        'invalid',
        `input ${name} has lists within lists more than ${RANK_MAX} deep; no model takes such`,
      )
  }
  return shape
}

function uneven(name: string, shape: readonly number[]): Problem {
  return new Problem(
    'invalid',
    `the lists of input ${name} are not all of one size: the first ones have the shape [${shape.join(', ')}], another differs; send all rows alike`,
  )
}

/** The value, if a tensor of this type can hold it. Throws `invalid`. */
function checkedElement(
  value: Scalar,
  { name, type, nullable }: Pick<TensorSpec, 'name' | 'type' | 'nullable'>,
): Scalar {
  if (type === 'string' && value === null && nullable === true) return null
  if (type === 'string' && typeof value === 'string') {
    if (!value.includes('\0')) return value
    throw new Problem(
      'invalid',
      `input ${name} has a NUL character, which the model would cut it at`,
    )
  }
  if (type === 'bool' && typeof value === 'boolean') return value
  if (isFloat(type) && isFloatValue(value, type)) return value
  if (isInteger(type) && isIntegerOf(value, type)) return value
  throw new Problem('invalid', `input ${name} has the value ${shown(value)}, which is no ${type}`)
}

/** From here on numbers of 32 and of 16 bits are infinite. */
const FLOAT_MAX = 2 ** 128 - 2 ** 103
const HALF_MAX = 65_520

function isFloatValue(value: Scalar, type: TensorType): boolean {
  if (value === null) return true
  if (typeof value !== 'number' && typeof value !== 'bigint') return false
  const number = Number(value)
  // What is finite on its way in and infinite in the tensor was changed, not read.
  if (!Number.isFinite(number) || type === 'float64') return true
  return Math.abs(number) < (type === 'float16' ? HALF_MAX : FLOAT_MAX)
}

function isIntegerOf(value: Scalar, type: TensorType): boolean {
  if (typeof value !== 'bigint' && !(typeof value === 'number' && Number.isInteger(value)))
    return false
  return fitsBits(BigInt(value), type)
}

/** The tensor as nested lists, by its shape alone: [n,1] gives lists of one value. */
export function nestedOf(tensor: Tensor): Value {
  const { shape } = tensor
  const from = (rank: number, start: number): Value => {
    const size = shape[rank]
    if (size === undefined) return valueAt(tensor, start)
    const width = elementsOf(shape.slice(rank + 1))
    return Array.from({ length: size }, (_, index) => from(rank + 1, start + index * width))
  }
  return from(0, 0)
}
