/** A condition must hold in `windows` of the last `of` windows that were evaluated. */
export interface Persistence {
  readonly windows: number
  readonly of: number
}

/**
 * Whether a condition has held for long enough. Windows with too little to judge are not evaluated: they are null
 * and neither keep a condition up nor end it. Oldest first.
 */
export function persists(
  windows: readonly (boolean | null)[],
  { windows: needed, of }: Persistence,
): boolean {
  const evaluated = windows.filter((holds) => holds !== null)
  return evaluated.slice(-of).filter(Boolean).length >= needed
}
