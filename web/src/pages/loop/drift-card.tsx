import { Waves } from 'lucide-react'
import type { DriftedFeatureWire, OverviewWire } from '#protocols/api/overview-wire'
import { Card } from '#web/ui/card.tsx'
import { day, spoken } from '#web/ui/format.ts'
import { useMonitor } from './use-view.ts'

/** The features of the newest window that moved most; the table is the chart. */
export function DriftCard({ overview, className }: { overview: OverviewWire; className: string }) {
  const monitor = useMonitor(overview)
  const drifted = monitor?.drifted ?? []
  const driftedAt = monitor?.driftedAt ?? null
  const largest = Math.max(1, ...drifted.map(timesOver))
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
          <thead className="text-left text-xs text-ink-3">
            <tr>
              <th className="pb-1 font-normal">Feature</th>
              <th className="pb-1 text-right font-normal">Times its limit</th>
            </tr>
          </thead>
          <tbody>
            {drifted.slice(0, 8).map((each) => (
              <tr key={each.feature} title={measured(each)}>
                <td className="w-0 max-w-40 truncate py-1 pr-4 whitespace-nowrap">
                  {each.feature}
                </td>
                <td className="py-1">
                  <span className="flex items-center gap-3">
                    <span className="flex h-2 grow">
                      <span
                        className="min-w-1 rounded-sm bg-chart-drift-over"
                        style={{ width: `${(timesOver(each) / largest) * 100}%` }}
                      />
                    </span>
                    <span className="w-8 text-right tabular-nums">
                      {timesOver(each).toFixed(1)}
                    </span>
                  </span>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {drifted.length === 0 ? null : (
        <p className="text-xs text-ink-3">
          Distance from the training data ({measuresOf(drifted)}), as a multiple of the distance
          that counts as drift.
        </p>
      )}
    </Card>
  )
}

/** How far beyond its limit: measures differ between features, but their limits make them comparable. */
function timesOver({ value, threshold }: DriftedFeatureWire): number {
  return value === null || threshold === null || threshold <= 0 ? 1 : value / threshold
}

function measured({ statistic, value, threshold }: DriftedFeatureWire): string {
  if (value === null || threshold === null) return 'drifted'
  return `${spoken(statistic ?? 'distance')} ${value.toFixed(3)}, limit ${threshold.toFixed(3)}`
}

function measuresOf(drifted: readonly DriftedFeatureWire[]): string {
  const names = new Set(drifted.map(({ statistic }) => spoken(statistic ?? 'distance')))
  return [...names].join(', ')
}
