/** Which points are asked for: all runs × all keys. */
export interface SeriesAsk {
  readonly runIds: readonly string[]
  readonly keys: readonly string[]
  /** What `from` and `to` mean, and what the points are spread over. */
  readonly axis: 'step' | 'time'
  readonly from?: number | undefined
  readonly to?: number | undefined
  /** At most about so many points of each series, of more the least and the greatest of each stretch. */
  readonly points: number
}

export interface SeriesPoint {
  readonly step: number
  readonly atMs: number
  /** NaN where that was logged. */
  readonly value: number
}

/** The points of one metric of one run, along its axis. */
export interface SampledSeries {
  readonly runId: string
  readonly key: string
  /** How many points there are in the span. */
  readonly total: number
  readonly sampled: boolean
  readonly points: readonly SeriesPoint[]
}
