/**
 * Each value drawn towards those before it: 0 leaves the line as it is, near 1 hardly anything moves it. What the
 * first values lack in history is made up for, so that the line begins where the values do.
 */
export function smoothed(values: readonly (number | null)[], weight: number): (number | null)[] {
  let sum = 0
  let shares = 0
  return values.map((value) => {
    if (value === null) return null
    sum = sum * weight + (1 - weight) * value
    shares = shares * weight + (1 - weight)
    return shares === 0 ? value : sum / shares
  })
}

/** Several lines over one axis: all their places in order, and each line's values at them. */
export function aligned(
  lines: readonly { readonly x: readonly number[]; readonly y: readonly (number | null)[] }[],
): { x: number[]; y: (number | null | undefined)[][] } {
  const x = [...new Set(lines.flatMap((line) => line.x))].toSorted((a, b) => a - b)
  const at = new Map(x.map((place, index) => [place, index]))
  const y = lines.map((line) => {
    // Undefined is no point; null is one that breaks the line.
    const row: (number | null | undefined)[] = Array.from({ length: x.length })
    line.x.forEach((place, index) => {
      row[at.get(place) ?? 0] = line.y[index] ?? null
    })
    return row
  })
  return { x, y }
}
