/** Something that somebody must hear of, as pages read it. */
export interface TroubleShown {
  readonly id: string
  readonly project: string
  readonly endpoint: string
  readonly kind: string
  readonly subject: string
  readonly severity: 'warning' | 'critical'
  readonly detail: string
  readonly state: 'open' | 'cleared'
  readonly raised: string
  readonly cleared: string | null
  readonly acknowledged: {
    readonly by: string
    readonly comment: string
    readonly at: string
  } | null
  readonly silencedUntil: string | null
}

export interface TroublesPage {
  readonly alerts: readonly TroubleShown[]
  readonly next: string | null
}

export interface SilenceShown {
  readonly id: string
  readonly matchers: Readonly<Record<string, string | readonly string[]>>
  readonly comment: string
  readonly by: string
  readonly created: string
  readonly until: string
}

/** What a silence covers; `silence` is null where nothing was silenced yet. */
export interface SilencingWire {
  readonly silence: SilenceShown | null
  readonly alerts: readonly string[]
}
