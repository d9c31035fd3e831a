import { Waves } from 'lucide-react'
import type { OverviewWire } from '#protocols/api/overview-wire'
import { Card } from '#web/ui/card.tsx'
import { day, spoken } from '#web/ui/format.ts'
import { useMonitor } from './use-view.ts'

/** The features of the newest window that moved most; the table is the chart. */
export function DriftCard({ overview, className }: { overview: OverviewWire; className: string }) {
  const monitor = useMonitor(overview)
  const drifted = monitor?.drifted ?? []
  const driftedAt = monitor?.driftedAt ?? null
  const largest = Math.max(1e-9, ...drifted.map(({ value }) => value ?? 0))
  const statistic = drifted.find((each) => each.statistic !== null)?.statistic ?? null
  return (
    <Card
      id="drift"
      title="Drift by feature"
      Icon={Waves}
      className={className}
      aside={driftedAt === null ? null : <p className="text-xs text-ink-3">{day(driftedAt)}</p>}
    >
      {drifted.length === 0 ? (
        <p className="text-[0.8125rem] text-ink-2">
          {driftedAt === null ? 'No window has been compared yet.' : 'None in the newest window.'}
        </p>
      ) : (
        <table className="w-full text-[0.8125rem]">
          <thead className="sr-only">
            <tr>
              <th>Feature</th>
              <th>Size</th>
              <th>{statistic === null ? 'Value' : spoken(statistic)}</th>
            </tr>
          </thead>
          <tbody>
            {drifted.slice(0, 8).map(({ feature, value }) => (
              <tr key={feature}>
                <td className="w-0 max-w-40 truncate py-1 pr-4 whitespace-nowrap">{feature}</td>
                <td className="py-1">
                  {value === null ? null : (
                    <div
                      aria-hidden
                      className="h-2 min-w-1 rounded-sm bg-chart-drift-over"
                      style={{ width: `${(value / largest) * 100}%` }}
                    />
                  )}
                </td>
                <td className="w-0 py-1 pl-4 text-right whitespace-nowrap text-ink-3 tabular-nums">
                  {value === null ? 'drifted' : value.toFixed(2)}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {statistic === null ? null : (
        <p className="text-xs text-ink-3">
          Measured by {statistic.toUpperCase()} against the training data.
        </p>
      )}
    </Card>
  )
}
