import type { Step } from '../graph/graph.ts'
import { blank, type Run, type StepAction, type StepResult } from './repro-run.ts'
import type { Reason } from '../staleness.ts'
import type { Stage } from '../stage.ts'

// A stage that needs somebody's word is left out for now, with all that needs it; the rest goes on. So nothing is kept
// running while people think.

/** Whether a stage may run: nobody has to be asked, or somebody has agreed. */
export function isAgreedTo({ options }: Run, stage: Stage): boolean {
  if (stage.approval === undefined || options.isApproved === undefined) return true
  return options.isApproved(stage.address, stage.approval)
}

export function heldBack(run: Run, step: Step, reasons: readonly Reason[]): StepResult {
  const reason = 'somebody has to approve it'
  run.emit({ kind: 'decided', step: step.name, action: 'waiting', reason, reasons })
  return { ...blank(step), action: 'waiting', outcome: 'failed', reason, reasons }
}

/** Whether nothing went wrong, and somebody's word is waited for. */
export function isWaiting(steps: readonly StepResult[]): boolean {
  return steps.some(({ action }) => action === 'waiting') && steps.every(isSound)
}

function isSound({ outcome, action }: StepResult): boolean {
  return outcome === 'succeeded' || (outcome === 'failed' && isLeftOut(action))
}

export function isLeftOut(action: StepAction): boolean {
  return action === 'skipped' || action === 'waiting'
}
