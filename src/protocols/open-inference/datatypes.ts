import { printExactJson } from '#base/exact-json'
import { Problem } from '#base/problem'
import type { TensorType } from '#inference'

const TYPES = {
  BOOL: 'bool',
  UINT8: 'uint8',
  UINT16: 'uint16',
  UINT32: 'uint32',
  UINT64: 'uint64',
  INT8: 'int8',
  INT16: 'int16',
  INT32: 'int32',
  INT64: 'int64',
  FP16: 'float16',
  FP32: 'float32',
  FP64: 'float64',
  BYTES: 'string',
} as const satisfies Record<string, TensorType>

export type Datatype = keyof typeof TYPES

const DATATYPES = Object.fromEntries(
  Object.entries(TYPES).map(([datatype, type]) => [type, datatype]),
) as Record<TensorType, Datatype>

/** The protocol's name of a type. */
export function datatypeOf(type: TensorType): Datatype {
  return DATATYPES[type]
}

/** The type that the protocol names so. Throws `invalid`. */
export function typeIn(datatype: unknown, input: string): TensorType {
  if (typeof datatype === 'string' && Object.hasOwn(TYPES, datatype))
    return TYPES[datatype as Datatype]
  throw new Problem(
    'invalid',
    `input ${input} has the datatype ${printExactJson(datatype)}; served are ${Object.keys(TYPES).join(', ')}`,
  )
}
