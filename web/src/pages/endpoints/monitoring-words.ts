import { day, inUtc, spoken } from '#web/ui/format.ts'
import type { MetricShown, WindowSummary } from '#protocols/api/monitoring-wire'

const DAY_MS = 86_400_000

/** What the parts of a window are about. */
const PARTS: Readonly<Record<string, string>> = {
  traffic: 'Traffic',
  quality: 'Data quality',
  drift: 'Drift',
  multivariate: 'Together',
  labels: 'Truths',
  performance: 'Performance',
  estimate: 'Estimated',
  concept: 'Concept',
  fairness: 'Fairness',
  kpis: 'KPIs',
  slices: 'Slices',
}

export function partName(kind: string): string {
  return PARTS[kind] ?? capital(spoken(kind))
}

/** `15 Jan 2026` for a day, the moment it starts for what is shorter or longer. */
export function windowName({ start, end }: { start: string; end: string }): string {
  const isDay = Date.parse(end) - Date.parse(start) === DAY_MS && start.includes('T00:00:00')
  return isDay ? day(start) : inUtc(start)
}

/** Four digits that count. */
export function digits(value: number | null): string {
  return value === null ? '–' : String(Number(value.toPrecision(4)))
}

/** `0.84 (0.79 to 0.88)`. */
export function withInterval({ value, ciLow, ciHigh }: Omit<MetricShown, 'metric'>): string {
  if (value === null) return '–'
  const interval =
    ciLow === null || ciHigh === null ? '' : ` (${digits(ciLow)} to ${digits(ciHigh)})`
  return `${digits(value)}${interval}`
}

/** A window in one sentence, for those who hear it. */
export function windowSentence(window: WindowSummary | undefined): string {
  if (window === undefined) return 'no window'
  const parts = window.parts.map(({ kind, words }) => `${partName(kind)}: ${words}`)
  return `${windowName(window)}: ${parts.join('; ')}`
}

export function capital(words: string): string {
  return words.charAt(0).toUpperCase() + words.slice(1)
}

/** The answers themselves, among the columns. */
export const ANSWERS = 'what was answered'
