/** Where a prediction is looked for; it lives in the address. */
export interface PredictionView {
  /** The endpoint at which another system told of it, by a name that may be used elsewhere too. */
  readonly endpoint?: string | undefined
}

export function predictionViewIn({ endpoint }: Readonly<Record<string, unknown>>): PredictionView {
  // The router reads a number where the address has digits.
  if (typeof endpoint === 'number') return { endpoint: String(endpoint) }
  return typeof endpoint === 'string' && endpoint !== '' ? { endpoint } : {}
}
