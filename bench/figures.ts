/** One comparison: a line that `npm run bench` gathers into its table. */
export interface Figure {
  readonly what: string
  readonly unit: string
  readonly orrery: number
  readonly peer: number
  readonly peerName: string
  readonly better: 'lower' | 'higher'
}

export function tell(figure: Figure): void {
  const { what, unit, orrery, peer, peerName, better } = figure
  const times = better === 'higher' ? orrery / peer : peer / orrery
  console.log(
    `${what}: ${shown(orrery)} ${unit}, ${peerName} ${shown(peer)} ${unit}: ${times >= 1 ? `${shown(times)} times better` : `${shown(1 / times)} times worse`}`,
  )
  console.log(JSON.stringify(figure))
}

function shown(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3)
}

export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}

export const median = (values: readonly number[]): number => quantile(values, 0.5)
