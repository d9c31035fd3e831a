import type { ColumnSpec, FieldSpec, NestedSpec } from '#registry'

export type { NestedSpec, ParamSpec } from '#registry'

/** MLflow's types; a value of an `array`, `object`, `map` or `any` that is no list is carried as its JSON. */
export type ColumnType = ColumnSpec['type']

/** A column of a model's signature. */
export interface SignatureColumn {
  readonly name: string
  readonly type: ColumnType
  readonly required: boolean
  /** It goes by its place, whatever a caller calls it. */
  readonly unnamed?: true
  /** What an `array`, `object` or `map` holds. */
  readonly nested?: NestedSpec
}

/** A block of values of a model's signature; -1 is a dimension that may vary. */
export interface SignatureTensor {
  readonly name: string
  readonly shape: readonly number[]
}

/** The columns of a signature, in order; `null` for one of tensors, and for none. */
export function signatureColumns(inputs: readonly FieldSpec[]): SignatureColumn[] | null {
  const columns = inputs.filter((input) => input.type !== 'tensor')
  return columns.length > 0 && columns.length === inputs.length ? columns : null
}

/** The tensors of a signature; `null` for one of columns, and for none. */
export function signatureTensors(inputs: readonly FieldSpec[]): SignatureTensor[] | null {
  const tensors = inputs.filter((input) => input.type === 'tensor')
  return tensors.length > 0 && tensors.length === inputs.length
    ? tensors.map(({ name, shape }) => ({ name, shape }))
    : null
}
