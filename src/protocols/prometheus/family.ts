/** What is measured under one name, in plain data. */
export interface Family {
  /** As Prometheus' conventions ask: a prefix, what is measured, its base unit; of a counter without `_total`. */
  readonly name: string
  readonly help: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly samples: readonly Sample[]
}

export type Labels = Readonly<Record<string, string | number>>

export interface Sample {
  readonly labels: Labels
  readonly value:
    | number
    /** Bins by where they end, and a last one for what is beyond. */
    | {
        readonly bounds: readonly number[]
        readonly counts: readonly number[]
        readonly sum: number
      }
}
