import { Link } from '@tanstack/react-router'
import { TriangleAlert } from 'lucide-react'
import type { OverviewWire } from '#protocols/api/overview-wire'
import { day, spoken } from '#web/ui/format.ts'
import { LINK } from '#web/ui/page.tsx'

/** What wants attention now. Nothing stands here while all is well. */
export function OpenAlerts({ overview }: { overview: OverviewWire }) {
  const alerts = overview.monitors.flatMap((monitor) => monitor.alerts)
  if (alerts.length === 0) return null
  return (
    <ul aria-label="Open alerts" className="flex flex-col gap-2">
      {alerts.map((alert) => (
        <li
          key={alert.position}
          className="flex items-start gap-2.5 rounded-lg bg-warning-tint px-3 py-2 text-[0.8125rem] text-ink"
        >
          <TriangleAlert
            aria-hidden
            size={16}
            strokeWidth={1.75}
            className="mt-px shrink-0 text-warning"
          />
          <span className="min-w-0">
            <span className="font-medium">
              <span className="capitalize">{spoken(alert.kind)}</span> alert on {alert.endpoint}
            </span>{' '}
            <span className="text-ink-2">
              since {day(alert.raised)}
              {alert.detail === null ? '' : `: ${alert.detail}`} ·{' '}
              <Link to="/alerts" search={{ endpoint: alert.endpoint }} className={LINK}>
                its causes
              </Link>{' '}
              ·{' '}
              <Link to="/policies" search={{ endpoint: alert.endpoint }} className={LINK}>
                policies that wait for it
              </Link>
            </span>
          </span>
        </li>
      ))}
    </ul>
  )
}
