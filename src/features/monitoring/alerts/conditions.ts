import type { Condition } from './findings.ts'
import type { Severity } from './severity.ts'
import { persists, type Persistence } from './persistence.ts'
import type { Window } from '../windows/window.ts'

/**
 * A condition that holds when it has lasted: `flags` says of each window, oldest first and this one last, whether
 * it held, or null where that could not be judged. It is over when as many windows in a row were calm as it takes
 * to raise an alert, for an alert that one good day cleared would be raised again by the next bad one.
 */
export function lastingCondition(
  flags: readonly (boolean | null)[],
  persistence: Persistence,
  { subject, severity, detail }: { subject: string; severity: Severity; detail: string },
): Condition {
  if (persists(flags, persistence)) return { state: 'holds', subject, severity, detail }
  const last = flags.filter((flag) => flag !== null).slice(-persistence.windows)
  const isOver = last.length === persistence.windows && !last.includes(true)
  return { state: isOver ? 'over' : 'open', subject }
}

/** A window with those before it that the same version answered. */
export function sameVersion(window: Window, earlier: readonly Window[]): Window[] {
  return [...earlier.filter((each) => each.modelVersion === window.modelVersion), window]
}

export function lasting({ windows, of }: Persistence): string {
  return `in at least ${windows} of the last ${of} windows`
}
