import { StatePill, type State } from '#web/ui/state.tsx'
import { spoken } from '#web/ui/format.ts'

const STATES: Readonly<Record<string, State>> = {
  queued: 'none',
  waiting: 'warning',
  running: 'busy',
  succeeded: 'good',
  failed: 'bad',
  cancelled: 'warning',
  'up-to-date': 'none',
  restored: 'good',
  skipped: 'none',
}

const WORDS: Readonly<Record<string, string>> = {
  waiting: 'Waits for approval',
  'up-to-date': 'Up to date',
}

/** How the state of a run, or of a stage, looks. */
export function lookOf(state: string): State {
  return STATES[state] ?? 'none'
}

export function stateWords(state: string): string {
  const words = WORDS[state] ?? spoken(state)
  return words.slice(0, 1).toUpperCase() + words.slice(1)
}

export function PipelineState({ state }: { state: string }) {
  return <StatePill state={lookOf(state)}>{stateWords(state)}</StatePill>
}
