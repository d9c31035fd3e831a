/** What a reader has chosen to see; it lives in the address, so that a view can be sent to somebody. */
export interface View {
  readonly endpoint?: string | undefined
  readonly days?: 30 | 90 | undefined
  readonly entry?: number | undefined
}

export const RANGES = [
  { days: 30, words: '30 days' },
  { days: 90, words: '90 days' },
  { days: null, words: 'All' },
] as const

/** Reads a view from the parameters of an address; what is not one of ours is left out. */
export function viewIn(search: Readonly<Record<string, unknown>>): View {
  const { endpoint, days, entry } = search
  return {
    ...(typeof endpoint === 'string' ? { endpoint } : {}),
    ...(days === 30 || days === 90 ? { days } : {}),
    ...(Number.isSafeInteger(entry) && Number(entry) >= 0 ? { entry: Number(entry) } : {}),
  }
}
