/** What a reader sees of the policies; it lives in the address. */
export interface PoliciesView {
  readonly project?: string | undefined
  /** Only those that wait for findings at this endpoint. */
  readonly endpoint?: string | undefined
  readonly after?: string | undefined
}

/** What a reader sees of one policy. */
export interface PolicyView {
  /** The time that it is asked about; now without. */
  readonly at?: string | undefined
}

/** What a reader sees of backfills. */
export interface BackfillsView {
  /** The one whose dates are shown. */
  readonly backfill?: string | undefined
  readonly state?: string | undefined
}

type Search = Readonly<Record<string, unknown>>

export function policiesViewIn(search: Search): PoliciesView {
  return { ...text(search, 'project'), ...text(search, 'endpoint'), ...text(search, 'after') }
}

export function policyViewIn(search: Search): PolicyView {
  return text(search, 'at')
}

export function backfillsViewIn(search: Search): BackfillsView {
  return { ...text(search, 'backfill'), ...text(search, 'state') }
}

/** The router reads a number where the address has digits. */
function text(search: Search, name: string): Record<string, string> {
  const value = search[name]
  if (typeof value === 'number') return { [name]: String(value) }
  return typeof value === 'string' && value !== '' ? { [name]: value } : {}
}
