import { StatePill, type State } from '#web/ui/state.tsx'

const STATES: Readonly<Record<string, readonly [State, string]>> = {
  ready: ['good', 'Ready'],
  loading: ['busy', 'Loading'],
  failed: ['bad', 'Failed'],
  unloaded: ['none', 'Not loaded'],
  undeployed: ['none', 'Nothing deployed'],
}

export function EndpointState({ state }: { state: string }) {
  const [of, words] = STATES[state] ?? (['none', state] as const)
  return <StatePill state={of}>{words}</StatePill>
}

/** A number of milliseconds as the page shows it. */
export function ms(value: number | null): string {
  if (value === null) return '–'
  return value < 9.95 ? `${value.toFixed(1)} ms` : `${Math.round(value)} ms`
}

export const HEAD = 'px-3 py-2 text-left text-xs font-medium whitespace-nowrap text-ink-3'
export const CELL = 'border-t border-line px-3 py-2 align-top'
export const NUMBER = `${CELL} text-right whitespace-nowrap tabular-nums`
