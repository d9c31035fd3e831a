/** Why an alert was raised, as far as the predictions and the ledger show: what to look at, first things first. */
export interface Causes {
  /** The windows that were compared: the calm ones before, and those since it began. */
  readonly before: CauseSpan | null
  readonly since: CauseSpan
  /** By how much the mean answer, or the mean loss of an answer, has changed. */
  readonly change: { readonly of: 'answer' | 'loss'; readonly by: number } | null
  readonly ranked: readonly Cause[]
  /** What could not be looked at, and why. */
  readonly notes: readonly string[]
}

export interface CauseSpan {
  readonly fromMs: number
  readonly toMs: number
  readonly predictions: number
}

/**
 * `column`: one whose values have changed; `segment`: rows that there are more of, or that are answered worse;
 * `relation`: what is true of the same rows has changed; `event`: something that the ledger tells of.
 */
export interface Cause {
  readonly kind: 'column' | 'segment' | 'relation' | 'event'
  readonly subject: string
  /** Of the change, 0 to 1, where that can be said. */
  readonly share: number | null
  readonly detail: string
  /** The entry of the ledger. */
  readonly position?: number
}

/** Something that was done to an endpoint, its model or what either comes from. */
export interface Happening {
  readonly position: number
  readonly atMs: number
  readonly type: string
  readonly detail: string
}

/**
 * Reads the ledger for what happened to an endpoint in a span, newest first: to it, to the version that answered (the
 * live one, where none is named), and upstream of what that was trained on.
 */
export type Happenings = (
  endpoint: string,
  span: { fromMs: number; toMs: number; modelVersion?: string },
) => Promise<readonly Happening[]>
