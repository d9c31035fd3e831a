/** How a condition compares. `like` and `ilike` take `%` and `_`; only `ilike` ignores case. `rlike` takes a regular expression. */
export type Comparator =
  | '='
  | '!='
  | '<'
  | '<='
  | '>'
  | '>='
  | 'like'
  | 'ilike'
  | 'rlike'
  | 'in'
  | 'not-in'
  | 'is-null'
  | 'is-not-null'

/** One clause of a search; all clauses must hold. What lacks the field matches only `is-null`. */
export interface Condition<Field> {
  readonly field: Field
  readonly comparator: Comparator
  readonly value: string | number | readonly (string | number)[] | null
}

/** Missing values come last in both directions. */
export interface Order<Field> {
  readonly field: Field
  readonly descending: boolean
}

export interface Search<Field> {
  readonly conditions: readonly Condition<Field>[]
  readonly order: readonly Order<Field>[]
  readonly limit: number
  /** Where the page before ended; absent for the first page. */
  readonly after?: Place | undefined
}

/** What the last row of a page was ordered by. A page that starts after it is right whatever came meanwhile. */
export type Place = readonly (string | number | null)[]

export interface Placed<T> {
  readonly item: T
  readonly place: Place
}

/** A page of a search, and where the next one starts. */
export interface Page<T> {
  readonly items: readonly T[]
  readonly next: Place | null
}

export interface Tagged {
  readonly of: 'tag'
  readonly key: string
}

export type ExperimentField =
  | Tagged
  | { readonly of: 'attribute'; readonly name: 'experimentId' | 'name' | 'createdMs' | 'updatedMs' }

export type RunField =
  | Tagged
  | { readonly of: 'metric' | 'param'; readonly key: string }
  | { readonly of: 'dataset'; readonly name: 'name' | 'digest' | 'context' }
  | {
      readonly of: 'attribute'
      readonly name: 'runId' | 'name' | 'status' | 'artifactUri' | 'userId' | 'startMs' | 'endMs'
    }

export type LoggedModelField =
  | Tagged
  | { readonly of: 'param'; readonly key: string }
  | {
      readonly of: 'metric'
      readonly key: string
      /** Only measurements on these data count. */
      readonly datasets?: readonly { readonly name: string; readonly digest?: string }[]
    }
  | {
      readonly of: 'attribute'
      readonly name:
        | 'name'
        | 'modelId'
        | 'modelType'
        | 'status'
        | 'sourceRunId'
        | 'createdMs'
        | 'updatedMs'
    }

/** Cuts a page out of rows of which one more than the limit was asked for. */
export function pageOf<T>(rows: readonly Placed<T>[], { limit }: { limit: number }): Page<T> {
  const items = rows.slice(0, limit).map((row) => row.item)
  return { items, next: rows.length > limit ? (rows[limit - 1]?.place ?? null) : null }
}
