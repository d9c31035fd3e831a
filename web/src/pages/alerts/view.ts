/** What a reader sees of alerts; it lives in the address. */
export interface AlertsView {
  readonly show?: 'all' | 'silences' | undefined
  readonly endpoint?: string | undefined
  /** The one that is opened. */
  readonly alert?: string | undefined
}

export function alertsViewIn(search: Readonly<Record<string, unknown>>): AlertsView {
  const { show, endpoint, alert } = search
  return {
    ...(show === 'all' || show === 'silences' ? { show } : {}),
    ...(typeof endpoint === 'string' && endpoint !== '' ? { endpoint } : {}),
    ...(typeof alert === 'string' && alert !== '' ? { alert } : {}),
  }
}
