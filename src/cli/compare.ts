type Value = string | number

/** A run with what may differ. */
export interface ComparedRun {
  readonly id: string
  readonly name: string
  readonly params: readonly { readonly key: string; readonly value: Value }[]
  readonly metrics: readonly { readonly key: string; readonly value: Value }[]
  readonly tags: readonly { readonly key: string; readonly value: Value }[]
}

export interface Difference {
  readonly of: 'params' | 'metrics' | 'tags'
  readonly key: string
  /** One for each run; null is missing. */
  readonly values: readonly (Value | null)[]
}

/** What the runs have, key by key: all of it, or what is not the same in all. */
export function differencesOf(
  runs: readonly ComparedRun[],
  which: 'all' | 'different',
): Difference[] {
  return (['params', 'metrics', 'tags'] as const).flatMap((of) => {
    const held = runs.map((run) => new Map(run[of].map(({ key, value }) => [key, value])))
    const keys = new Set(held.flatMap((map) => [...map.keys()]))
    return [...keys]
      .toSorted()
      .map((key) => ({ of, key, values: held.map((map) => map.get(key) ?? null) }))
      .filter(({ values }) => which === 'all' || new Set(values).size > 1)
  })
}
