/** Where a value stands between gaps: a line would show nothing of it, for it has no length there. */
export function lonePlaces(values: ArrayLike<number | null | undefined>): number[] {
  const isGap = (at: number) => values[at] === null || values[at] === undefined
  return Array.from({ length: values.length }, (_, at) => at).filter(
    (at) => !isGap(at) && isGap(at - 1) && isGap(at + 1),
  )
}
