/** How a drawing fits its terminal. */
export interface Pen {
  readonly columns: number
  /** The sign, or the word, in the colour of the revision or line at that place of the legend. */
  readonly painted: (text: string, color: number) => string
}

/** A number in at most seven signs or so. */
export function shortNumber(value: number): string {
  if (value === 0) return '0'
  const size = Math.abs(value)
  if (size >= 1e6 || size < 1e-4) return value.toExponential(2)
  return String(Number(value.toPrecision(5)))
}
