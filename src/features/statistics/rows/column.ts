/** A column of a table of rows as tests of several columns take it: NaN and null are missing values. */
export type Column =
  | { readonly kind: 'numeric'; readonly values: Float64Array }
  | { readonly kind: 'categorical'; readonly values: readonly (string | null)[] }

export function rowsIn(columns: readonly Column[]): number {
  return columns[0]?.values.length ?? 0
}

/** Two tables of the same columns, one under the other. */
export function stacked(one: readonly Column[], other: readonly Column[]): Column[] {
  return one.map((column, index): Column => {
    const below = other[index] as Column
    if (column.kind === 'numeric' && below.kind === 'numeric') {
      const values = new Float64Array(column.values.length + below.values.length)
      values.set(column.values)
      values.set(below.values, column.values.length)
      return { kind: 'numeric', values }
    }
    return { kind: 'categorical', values: [...namesIn(column), ...namesIn(below)] }
  })
}

function namesIn(column: Column): readonly (string | null)[] {
  if (column.kind === 'categorical') return column.values
  return Array.from(column.values, (value) => (Number.isNaN(value) ? null : String(value)))
}
