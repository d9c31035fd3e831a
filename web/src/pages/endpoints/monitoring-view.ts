/** What a reader sees of an endpoint's monitoring; it lives in the address. */
export interface MonitoringView {
  /** Start of the window that is looked at; the newest without. */
  readonly window?: string | undefined
  /** The column that is looked at. */
  readonly feature?: string | undefined
  /** Only windows before this. */
  readonly before?: string | undefined
  /** All columns, not only those that moved most. */
  readonly columns?: 'all' | undefined
}

export function monitoringViewIn(search: Readonly<Record<string, unknown>>): MonitoringView {
  const { window, feature, before, columns } = search
  return {
    ...(isTime(window) ? { window } : {}),
    // The router reads a number where the address has digits.
    ...(isName(feature) ? { feature: String(feature) } : {}),
    ...(isTime(before) ? { before } : {}),
    ...(columns === 'all' ? { columns } : {}),
  }
}

function isName(value: unknown): value is string | number | boolean {
  return ['string', 'number', 'boolean'].includes(typeof value) && value !== ''
}

function isTime(value: unknown): value is string {
  return typeof value === 'string' && !Number.isNaN(Date.parse(value))
}
