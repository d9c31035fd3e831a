import type { AssessmentWire, TraceWire } from '#protocols/api/traces-wire'
import { StatePill, type State } from '#web/ui/state.tsx'

const STATES: Readonly<Record<TraceWire['state'], readonly [State, string]>> = {
  OK: ['good', 'OK'],
  ERROR: ['bad', 'Error'],
  IN_PROGRESS: ['busy', 'In progress'],
  STATE_UNSPECIFIED: ['none', 'Unknown'],
}

export function TraceState({ state }: { state: TraceWire['state'] }) {
  const [of, word] = STATES[state]
  return <StatePill state={of}>{word}</StatePill>
}

/** Tags that the platform keeps for itself are of no use to a reader. */
export function ownTags(tags: Readonly<Record<string, string>>): [string, string][] {
  return Object.entries(tags).filter(([key]) => !key.startsWith('mlflow.'))
}

export function Chip({ children }: { children: string }) {
  return (
    <span className="inline-block max-w-56 truncate rounded-md border border-line bg-sunken px-1.5 py-0.5 text-xs text-ink-2">
      {children}
    </span>
  )
}

export function saidIn({ name, value, error }: AssessmentWire): string {
  return `${name}: ${error ?? value.replace(/^"(.*)"$/s, '$1')}`
}

/** A time span in the unit that fits. */
export function shortTime(ms: number | null): string {
  if (ms === null) return '–'
  if (ms < 1) return `${Math.round(ms * 1000)} µs`
  if (ms < 1000) return `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`
  return ms < 60_000 ? `${(ms / 1000).toFixed(2)} s` : `${(ms / 60_000).toFixed(1)} min`
}

/** JSON with indents; a text that is no JSON as it is. */
export function pretty(json: string): string {
  try {
    const value = JSON.parse(json) as unknown
    return typeof value === 'string' ? value : JSON.stringify(value, null, 2)
  } catch {
    return json
  }
}
