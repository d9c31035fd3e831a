import type { MonitorConfig } from '#projects'
import type { Endpoint } from '#serving'

/** How an endpoint is watched of which nobody said how: from its first prediction, by the day, as predictions arrive. */
export const DEFAULT_MONITOR: MonitorConfig = {
  window: { size: '1d' },
  settle: '1d',
  min_samples: 100,
  drift: { alert_share: 0.3, persistence: { windows: 3, of: 5 } },
}

export function monitorOf({ monitor }: Pick<Endpoint, 'monitor'>): MonitorConfig {
  return monitor ?? DEFAULT_MONITOR
}
