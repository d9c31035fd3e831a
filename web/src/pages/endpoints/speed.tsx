import { useMemo, useState } from 'react'
import type { LiveWire } from '#protocols/api/endpoint-wire'
import type { ChartLook } from '#web/charts/chart-options.ts'
import { TimeChart } from '#web/charts/time-chart.tsx'
import { count, rate } from '#web/ui/format.ts'
import { ms } from './states.tsx'

const SYNC = 'endpoint'
const FIVE = [1, 2, 5]
const STEPS = [0.01, 0.1, 1, 10, 100, 1000, 10_000].flatMap((unit) =>
  FIVE.map((each) => each * unit),
)

const plain = { limit: null, steps: STEPS, sync: SYNC, lanes: [] }
const upFromZero = (_: number, max: number): [number, number] => [0, max <= 0 ? 1 : max * 1.1]

const REQUESTS: ChartLook = {
  ...plain,
  height: 150,
  series: [{ name: 'requests per second', kind: 'bars', ink: 'chart-auc' }],
  range: upFromZero,
  print: rate,
  showTimes: false,
}

const TIMES: ChartLook = {
  ...plain,
  height: 170,
  series: [
    { name: '99 %', kind: 'line', ink: 'chart-drift-over' },
    { name: 'median', kind: 'line', ink: 'chart-auc' },
  ],
  range: upFromZero,
  print: (value) => `${rate(value)} ms`,
  showTimes: true,
}

/** How much and how fast an endpoint has answered in the last minutes. */
export function Speed({ live }: { live: LiveWire }) {
  const [cursor, setCursor] = useState<number | null>(null)
  const { points, stepMs } = live
  const times = useMemo(() => points.map(({ at }) => Date.parse(at) / 1000), [points])
  const perSecond = useMemo(
    () => points.map(({ requests }) => requests / (stepMs / 1000)),
    [points, stepMs],
  )
  const requestData = useMemo((): [number[], number[]] => [times, perSecond], [times, perSecond])
  const timeData = useMemo(
    () =>
      [times, points.map(({ p99Ms }) => p99Ms), points.map(({ p50Ms }) => p50Ms)] as [
        number[],
        (number | null)[],
        (number | null)[],
      ],
    [times, points],
  )
  const requests = points.reduce((sum, each) => sum + each.requests, 0)
  const failed = points.reduce((sum, each) => sum + each.failed, 0)
  if (requests === 0)
    return <p className="text-sm text-ink-2">Nothing was asked in the last five minutes.</p>
  const shown = cursor === null ? undefined : points[cursor]
  return (
    <>
      <p className="text-sm text-ink-2">
        In the last five minutes {count(requests)} requests came
        {failed === 0 ? '' : `, of which ${count(failed)} were not answered`}. Half of the answers
        took at most {ms(live.p50Ms)}, 90 % {ms(live.p90Ms)}, 99 % {ms(live.p99Ms)}.
      </p>
      <div className="flex flex-col gap-1">
        <h3 className="text-xs font-medium text-ink-3">
          Requests per second
          {shown === undefined ? '' : `: ${rate(shown.requests / (stepMs / 1000))}`}
        </h3>
        <TimeChart look={REQUESTS} data={requestData} cursor={cursor} onCursor={setCursor} />
        <h3 className="text-xs font-medium text-ink-3">
          Time to answer, median and 99 %
          {shown === undefined ? '' : `: ${ms(shown.p50Ms)}, ${ms(shown.p99Ms)}`}
        </h3>
        <TimeChart look={TIMES} data={timeData} cursor={cursor} onCursor={setCursor} />
      </div>
      <Histogram latencies={live.latencies} />
    </>
  )
}

/** How many answers took how long, each bar twice as long as the one before. */
function Histogram({ latencies }: Pick<LiveWire, 'latencies'>) {
  const bars = doublings(latencies)
  const most = Math.max(1, ...bars.map((bar) => bar.count))
  return (
    <div className="flex flex-col gap-2">
      <h3 className="text-xs font-medium text-ink-3">How long answers took</h3>
      <ul className="flex flex-col gap-1 text-xs">
        {bars.map((bar) => (
          <li key={bar.toMs} className="grid grid-cols-[6.5rem_1fr_4rem] items-center gap-2">
            <span className="text-right whitespace-nowrap text-ink-3 tabular-nums">
              up to {ms(bar.toMs)}
            </span>
            <span aria-hidden className="h-3 rounded-sm bg-sunken">
              <span
                className="block h-3 rounded-sm bg-chart-auc"
                style={{ width: `${(100 * bar.count) / most}%` }}
              />
            </span>
            <span className="tabular-nums">{count(bar.count)}</span>
          </li>
        ))}
      </ul>
    </div>
  )
}

interface Bar {
  readonly toMs: number
  readonly count: number
}

/** The fine bins put together, from the first that has any to the last. */
function doublings(latencies: LiveWire['latencies']): Bar[] {
  const counts = new Map<number, number>()
  for (const { fromMs, count: some } of latencies) {
    const power = Math.floor(Math.log2(Math.max(fromMs, 0.0625)) + 1e-6)
    counts.set(power, (counts.get(power) ?? 0) + some)
  }
  const powers = [...counts.keys()]
  if (powers.length === 0) return []
  const [first, last] = [Math.min(...powers), Math.max(...powers)]
  return Array.from({ length: last - first + 1 }, (_, at) => ({
    toMs: 2 ** (first + at + 1),
    count: counts.get(first + at) ?? 0,
  }))
}
