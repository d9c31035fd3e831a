import { StatePill, type State } from './state.tsx'

const STATES: Readonly<Record<string, readonly [State, string]>> = {
  running: ['busy', 'Running'],
  scheduled: ['busy', 'Scheduled'],
  finished: ['good', 'Finished'],
  failed: ['bad', 'Failed'],
  killed: ['warning', 'Killed'],
}

/** How a run stands, however its word is written. */
export function RunState({ status }: { status: string }) {
  const [state, words] = STATES[status.toLowerCase()] ?? ['none', status]
  return <StatePill state={state}>{words}</StatePill>
}
