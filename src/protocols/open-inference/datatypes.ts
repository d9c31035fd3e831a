import { printExactJson, type ExactJson } from '#base/exact-json'
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

/** BF16 is read as well: every one of its numbers is one of FP32. No runtime gives it. */
export type Datatype = keyof typeof TYPES | 'BF16'

const DATATYPES = Object.fromEntries(
  Object.entries(TYPES).map(([datatype, type]) => [type, datatype]),
) as Record<TensorType, Exclude<Datatype, 'BF16'>>

/** The protocol's name of a type. */
export function datatypeOf(type: TensorType): Exclude<Datatype, 'BF16'> {
  return DATATYPES[type]
}

/** The type of tensors that are sent as this datatype. */
export function typeOf(datatype: Datatype): TensorType {
  return datatype === 'BF16' ? 'float32' : TYPES[datatype]
}

/** Throws `invalid` for what is no datatype of the protocol. */
export function datatypeIn(datatype: ExactJson | undefined, input: string): Datatype {
  if (datatype === 'BF16') return datatype
  if (typeof datatype === 'string' && Object.hasOwn(TYPES, datatype)) return datatype as Datatype
  const told =
    typeof datatype === 'object' && datatype !== null ? 'no text' : printExactJson(datatype)
  throw new Problem(
    'invalid',
    `input ${input} has the datatype ${told}; served are ${Object.keys(TYPES).join(', ')} and BF16`,
  )
}
