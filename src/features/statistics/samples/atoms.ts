import { invariant } from '#base/invariant'

/** A distribution as points with a weight each; any order, any total. */
export interface Atom {
  readonly at: number
  readonly weight: number
}

/** Wasserstein-1 distance, the area between the two distribution functions, in the unit of the values. */
export function wasserstein(reference: readonly Atom[], current: readonly Atom[]): number {
  const p = totalOf(reference)
  const q = totalOf(current)
  invariant(p > 0 && q > 0, 'a distribution weighs something')
  const steps = [
    ...reference.map(({ at, weight }) => ({ at, step: weight / p })),
    ...current.map(({ at, weight }) => ({ at, step: -weight / q })),
  ].toSorted((one, other) => one.at - other.at)
  let area = 0
  let between = 0
  for (const [index, { at, step }] of steps.entries()) {
    area += index === 0 ? 0 : Math.abs(between) * (at - (steps[index - 1] as { at: number }).at)
    between += step
  }
  return area
}

/** Each value as an atom of weight 1. */
export function atomsOf(values: readonly number[]): Atom[] {
  return values.map((at) => ({ at, weight: 1 }))
}

function totalOf(atoms: readonly Atom[]): number {
  return atoms.reduce((all, { weight }) => all + weight, 0)
}
