import type uPlot from 'uplot'
import type { MarkWire, WindowWire } from '#protocols/api/overview-wire'
import type { ChartLook } from '#web/charts/chart-options.ts'
import type { Lane, Shape } from '#web/charts/marks.ts'
import { percent } from '#web/ui/format.ts'

const SYNC = 'windows'

/** How each kind of mark is drawn, and in which row. */
export const MARK_SHAPES: Readonly<
  Record<MarkWire['kind'], { shape: Shape; ink: string; text: string; words: string; lane: string }>
> = {
  alert: {
    shape: 'triangle',
    ink: 'warning',
    text: 'text-warning',
    words: 'alert raised',
    lane: 'Alerts',
  },
  cleared: {
    shape: 'ring',
    ink: 'ink-3',
    text: 'text-ink-3',
    words: 'alert cleared',
    lane: 'Alerts',
  },
  retraining: {
    shape: 'disc',
    ink: 'mark-retraining',
    text: 'text-mark-retraining',
    words: 'retraining',
    lane: 'Policies',
  },
  promoted: { shape: 'up', ink: 'good', text: 'text-good', words: 'promoted', lane: 'Models' },
  refused: { shape: 'cross', ink: 'bad', text: 'text-bad', words: 'refused', lane: 'Models' },
}

export function performanceLook(limit: number | null, marks: readonly MarkWire[]): ChartLook {
  return {
    height: 290,
    series: [
      { name: 'AUC', kind: 'line', ink: 'chart-auc' },
      { name: 'upper', kind: 'edge', ink: 'chart-auc' },
      { name: 'lower', kind: 'edge', ink: 'chart-auc' },
    ],
    bands: [{ upper: 2, lower: 3, ink: 'chart-band' }],
    limit,
    range: (min, max) => [
      Math.floor((Math.min(min, limit ?? 1) - 0.005) * 50) / 50,
      Math.ceil((Math.max(max, limit ?? 0) + 0.005) * 50) / 50,
    ],
    print: (value) => value.toFixed(2),
    steps: [0.01, 0.02, 0.05, 0.1, 0.2, 0.5],
    sync: SYNC,
    lanes: lanesOf(marks),
    showTimes: false,
  }
}

export function driftLook(limit: number | null): ChartLook {
  return {
    height: 170,
    series: [
      { name: 'within', kind: 'bars', ink: 'chart-drift' },
      { name: 'over', kind: 'bars', ink: 'chart-drift-over' },
    ],
    limit,
    range: (_, max) => [0, Math.min(1, Math.max(max, limit ?? 0) * 1.15 + 0.05)],
    print: percent,
    steps: [0.1, 0.2, 0.25, 0.5],
    sync: SYNC,
    lanes: [],
    showTimes: true,
  }
}

export function performanceData(windows: readonly WindowWire[]): uPlot.AlignedData {
  return [
    windows.map((window) => secondsOf(window.start)),
    windows.map(({ auc }) => auc),
    windows.map(({ high }) => high),
    windows.map(({ low }) => low),
  ]
}

export function driftData(windows: readonly WindowWire[], limit: number | null): uPlot.AlignedData {
  const over = (share: number | null) => share !== null && limit !== null && share >= limit
  return [
    windows.map((window) => secondsOf(window.start)),
    windows.map(({ driftShare }) => (over(driftShare) ? null : driftShare)),
    windows.map(({ driftShare }) => (over(driftShare) ? driftShare : null)),
  ]
}

/** What happened because of a window: marks carry the time at which it ended. */
export function marksOn(
  window: WindowWire | undefined,
  marks: readonly MarkWire[],
): readonly MarkWire[] {
  if (window === undefined) return []
  const start = Date.parse(window.start)
  const end = Date.parse(window.end)
  return marks.filter(({ at }) => {
    const time = Date.parse(at)
    return time > start && time <= end
  })
}

function lanesOf(marks: readonly MarkWire[]): Lane[] {
  return ['Alerts', 'Policies', 'Models'].map((name) => ({
    name,
    marks: marks
      .filter((mark) => MARK_SHAPES[mark.kind].lane === name)
      // What is drawn later lies on top, and an alert that was raised matters more than one cleared.
      .toSorted((a, b) => Number(b.kind === 'cleared') - Number(a.kind === 'cleared'))
      .map((mark) => ({
        time: secondsOf(mark.at),
        shape: MARK_SHAPES[mark.kind].shape,
        ink: MARK_SHAPES[mark.kind].ink,
      })),
  }))
}

function secondsOf(time: string): number {
  return Date.parse(time) / 1000
}
