/** What contracts say of the data that a stage reads. */
export interface Checks {
  /** The verdict of each contract that is about one of these paths; none where there is no such contract. */
  of(paths: readonly string[], how: { signal?: AbortSignal }): Promise<readonly Verdict[]>
  /** Why versions of these datasets cannot be read any more; undefined where they can. */
  lost(names: readonly string[]): Promise<string | undefined>
}

export interface Verdict {
  /** The contract's file. */
  readonly contract: string
  /** SHA-256 of what was promised. */
  readonly digest: string
  readonly outcome: 'passed' | 'warned' | 'failed'
  /** What is not as promised; null where everything is. */
  readonly reason: string | null
}

/** What is recorded of a stage's data: held against its contracts, or not because somebody said so. */
export interface StageChecks {
  readonly outcome: Verdict['outcome'] | 'skipped'
  readonly verdicts: readonly Verdict[]
}
