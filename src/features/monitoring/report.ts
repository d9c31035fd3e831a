import { Problem } from '#base/problem'
import type { MonitorConfig } from '#projects'
import type { Since } from './backtest/sources.ts'
import type { Happening, Happenings } from './alerts/causes.ts'
import type { Alert } from './alerts/findings.ts'
import type { Monitoring } from './monitoring.ts'
import type { Window } from './windows/window.ts'

/** All that was found of an endpoint in a time, and what was done about it. */
export interface Report {
  readonly endpoint: string
  readonly monitor: MonitorConfig
  readonly fromMs: number
  readonly toMs: number
  /** Oldest first. */
  readonly windows: readonly Window[]
  /** Those that were open in that time, the first raised first. */
  readonly alerts: readonly Alert[]
  /** Oldest first. */
  readonly done: readonly Happening[]
}

const PAGE = 200
const WINDOWS_MAX = 1500

/** Throws `not-found` for an unknown endpoint. */
export async function reportOf(
  monitoring: Pick<Monitoring, 'monitor' | 'windows' | 'alerts'>,
  { endpoint, since, doings }: { endpoint: string; since: Since; doings: Happenings },
): Promise<Report> {
  const monitor = await monitoring.monitor(endpoint)
  const newest = (await monitoring.windows(endpoint, { limit: 1 }))[0]
  if (newest === undefined)
    throw new Problem(
      'not-found',
      `no window of ${endpoint} was judged yet; the first is when it is over (${monitor.window.size})`,
    )
  const toMs = newest.endMs
  const fromMs = 'fromMs' in since ? since.fromMs : Math.max(0, toMs - since.lastMs)
  const windows = await windowsFrom(monitoring, endpoint, fromMs)
  const firstMs = windows[0]?.startMs ?? fromMs
  const alerts = await alertsFrom(monitoring, endpoint, firstMs)
  const done = await doings(endpoint, { fromMs: firstMs, toMs: Number.MAX_SAFE_INTEGER })
  return { endpoint, monitor, fromMs: firstMs, toMs, windows, alerts, done: done.toReversed() }
}

async function windowsFrom(
  monitoring: Pick<Monitoring, 'windows'>,
  endpoint: string,
  fromMs: number,
): Promise<Window[]> {
  const found: Window[] = []
  let beforeMs: number | undefined
  for (;;) {
    const page = await monitoring.windows(endpoint, {
      limit: PAGE,
      ...(beforeMs === undefined ? {} : { beforeMs }),
    })
    const own = page.filter(({ endMs }) => endMs > fromMs)
    found.push(...own)
    if (found.length > WINDOWS_MAX)
      throw new Problem(
        'invalid',
        `that is more than ${WINDOWS_MAX} windows; ask for a shorter time with since`,
      )
    beforeMs = own.at(-1)?.startMs
    if (own.length < PAGE) return found.toReversed()
  }
}

async function alertsFrom(
  monitoring: Pick<Monitoring, 'alerts'>,
  endpoint: string,
  fromMs: number,
): Promise<Alert[]> {
  const found: Alert[] = []
  let before: string | undefined
  for (;;) {
    const page = await monitoring.alerts({
      endpoint,
      limit: PAGE,
      ...(before === undefined ? {} : { before }),
    })
    found.push(...page.filter(({ clearedMs }) => clearedMs === null || clearedMs > fromMs))
    before = page.at(-1)?.id
    if (page.length < PAGE || before === undefined) return found.toReversed()
  }
}
