import { nestedOf, type Outputs, type Tensor, type TensorType, type Value } from '#inference'

/** A column of one value for each row; `null` is a gap in a text. */
export function column(name: string, type: TensorType, values: readonly unknown[]): Tensor {
  const shape = [values.length, 1]
  if (type === 'string')
    return {
      name,
      type,
      shape,
      data: values.map((value) => (typeof value === 'string' ? value : '')),
      gaps: Uint8Array.from(values, (value) => (value === null ? 1 : 0)),
    }
  const data = {
    bool: () => Uint8Array.from(values as boolean[], Number),
    int32: () => Int32Array.from(values as number[]),
    int64: () => BigInt64Array.from(values as (number | bigint)[], BigInt),
    float32: () => Float32Array.from(values as number[]),
    float64: () => Float64Array.from(values as number[]),
  }[type as 'bool' | 'int32' | 'int64' | 'float32' | 'float64']()
  return { name, type, shape, data }
}

export const NAN = Number.NaN
export const FLIGHTS = [
  column('carrier', 'string', ['AA', 'UA', null, 'AA', 'B6', 'UA']),
  column('hour', 'float64', [1, 2, NAN, 4, 23, 12]),
  column('distance', 'int64', [100, 200, 300, 400, 2500, 1200]),
]
export const NUMBERS = [
  column('a', 'float64', [0, 1, NAN, 3, 4, 5]),
  column('b', 'float64', [0, 1, 2, 3, 4, 5]),
]
export const WORDS = [column('text', 'string', ['a', 'bc'])]

/** An answer as MLflow's scoring server would print it. */
export function printed(outputs: Outputs): unknown {
  const columns = outputs.map((each) => [each.name, nestedOf(each) as Value[]] as const)
  const plain = (value: unknown): unknown => {
    if (typeof value === 'bigint') return Number(value)
    if (typeof value === 'number' && Number.isNaN(value)) return null
    return Array.isArray(value) ? value.map(plain) : value
  }
  const [first] = columns
  if (outputs.form === 'json') return JSON.parse(String(first?.[1][0]))
  if (outputs.form === 'dict')
    return Object.fromEntries(columns.map(([name, values]) => [name, plain(values)]))
  if (outputs.form === 'array') return plain(first?.[1])
  return (first?.[1] ?? []).map((_, row) =>
    Object.fromEntries(columns.map(([name, values]) => [name, plain(values[row])])),
  )
}
