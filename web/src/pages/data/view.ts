/** What a reader sees of the datasets; it lives in the address. */
export interface DataView {
  readonly search?: string | undefined
  readonly project?: string | undefined
  readonly kind?: 'tracked' | 'made' | undefined
  readonly after?: string | undefined
}

/** What a reader sees of one dataset. */
export interface DatasetView {
  /** The version that is looked into; the newest without. */
  readonly version?: string | undefined
  /** The version that it is compared with. */
  readonly old?: string | undefined
}

type Search = Readonly<Record<string, unknown>>

export function dataViewIn(search: Search): DataView {
  const { kind } = search
  return {
    ...text(search, 'search'),
    ...text(search, 'project'),
    ...text(search, 'after'),
    ...(kind === 'tracked' || kind === 'made' ? { kind } : {}),
  }
}

export function datasetViewIn(search: Search): DatasetView {
  return { ...hash(search, 'version'), ...hash(search, 'old') }
}

/** The router reads a number where the address has digits. */
function text(search: Search, name: string): Record<string, string> {
  const value = search[name]
  if (typeof value === 'number') return { [name]: String(value) }
  return typeof value === 'string' && value !== '' ? { [name]: value } : {}
}

function hash(search: Search, name: string): Record<string, string> {
  const value = search[name]
  return typeof value === 'string' && /^[0-9a-f]{32}(\.dir)?$/.test(value) ? { [name]: value } : {}
}
