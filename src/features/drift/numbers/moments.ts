/** What is known of finite numbers by adding them up; of none, all is zero. */
export interface NumberMoments {
  readonly mean: number
  /** Of the population. */
  readonly variance: number
  readonly min: number
  readonly max: number
}

export function momentsOf(values: readonly number[] | Float64Array): NumberMoments {
  if (values.length === 0) return { mean: 0, variance: 0, min: 0, max: 0 }
  let sum = 0
  let min = Infinity
  let max = -Infinity
  for (let index = 0; index < values.length; index++) {
    const value = values[index] as number
    sum += value
    if (value < min) min = value
    if (value > max) max = value
  }
  const mean = sum / values.length
  let squares = 0
  for (let index = 0; index < values.length; index++)
    squares += ((values[index] as number) - mean) ** 2
  return { mean, variance: squares / values.length, min, max }
}
