/** P-values adjusted by Benjamini and Hochberg (1995), in the order given: each at most q is a discovery. */
export function benjaminiHochberg(ps: readonly number[]): number[] {
  const adjusted = ps.map(() => 1)
  const largestFirst = ps.map((_, index) => index).toSorted((i, j) => at(ps, j) - at(ps, i))
  let least = 1
  for (const [position, index] of largestFirst.entries()) {
    least = Math.min(least, (at(ps, index) * ps.length) / (ps.length - position))
    adjusted[index] = least
  }
  return adjusted
}

/** P-values adjusted by Holm (1979): each at most α is a finding, and the chance of any false one is at most α. */
export function holm(ps: readonly number[]): number[] {
  const adjusted = ps.map(() => 1)
  const smallestFirst = ps.map((_, index) => index).toSorted((i, j) => at(ps, i) - at(ps, j))
  let most = 0
  for (const [position, index] of smallestFirst.entries()) {
    most = Math.min(1, Math.max(most, at(ps, index) * (ps.length - position)))
    adjusted[index] = most
  }
  return adjusted
}

function at(values: readonly number[], index: number): number {
  return values[index] as number
}
