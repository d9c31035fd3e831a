import { spreadOf } from './effect.ts'
import { countsOf, numericShape, type NumericProfile } from './profile.ts'

export interface TimedNumber {
  readonly value: number
  readonly atMs: number | null
}

/** The profile of numbers at hand, as a profile of files has it for a column. */
export function numericProfileOf(
  numbers: readonly TimedNumber[],
  windowMs: number,
): NumericProfile | null {
  const finite = numbers.filter(({ value }) => Number.isFinite(value))
  if (finite.length === 0) return null
  const column = numericShape(Float64Array.from(finite, ({ value }) => value))
  const counts = countsOf(
    column,
    numbers.map(({ value }) => value),
  )
  const windows = Map.groupBy(
    numbers.filter(({ atMs }) => atMs !== null),
    ({ atMs }) => Math.floor((atMs as number) / windowMs),
  )
  const counted = [...windows.values()].map((window) =>
    countsOf(
      column,
      window.map(({ value }) => value),
    ),
  )
  const whole = { ...column, counts }
  return { ...whole, spread: spreadOf(whole, counted) }
}
