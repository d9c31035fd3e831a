import type { Fact } from '#ledger'

export type Severity = 'warning' | 'critical'

/** Something that somebody must hear of: an alert of the monitors, a rollout that was rolled back, a policy whose run failed. */
export interface Trouble {
  readonly id: string
  /** What it is about, the same each time that it comes up. */
  readonly key: string
  /** Sorts by when it came up. */
  readonly place: string
  /** Empty where no project declares its endpoint. */
  readonly project: string
  /** Empty where it is about none. */
  readonly endpoint: string
  /** `drift`, `performance`, `quality` … as the monitors say, `rollout` or `policy`. */
  readonly kind: string
  /** A column, a metric, a slice; empty for the whole. */
  readonly subject: string
  readonly severity: Severity
  readonly detail: string
  /** In the time of the world that it is about. */
  readonly raisedMs: number
  readonly clearedMs: number | null
  readonly acknowledged: Acknowledgement | null
  /** Where in the ledger it was raised. */
  readonly position: number
}

export interface Acknowledgement {
  readonly by: string
  readonly comment: string
  readonly atMs: number
}

/** What troubles are told apart by in routes, groups and silences. */
export const LABELS = ['project', 'endpoint', 'kind', 'subject', 'severity'] as const
export type Label = (typeof LABELS)[number]
export type Labels = Readonly<Partial<Record<Label, string>>>
/** Patterns by label, in which `*` stands for any letters. */
export type Matchers = Readonly<Partial<Record<Label, string | readonly string[]>>>

export const COMMENT_CHARS_MAX = 1000

export function isOpen({ clearedMs }: Trouble): boolean {
  return clearedMs === null
}

/** Whether each label fits one of the patterns that are given for it. */
export function fits(trouble: Trouble, matchers: Matchers): boolean {
  return LABELS.every((label) => {
    const wanted = matchers[label]
    if (wanted === undefined) return true
    return [wanted].flat().some((pattern) => isLike(pattern, trouble[label]))
  })
}

/** Whether a text fits a pattern. Takes time that grows with their lengths only. */
function isLike(pattern: string, text: string): boolean {
  const [first = '', ...rest] = pattern.split('*')
  const last = rest.pop()
  if (last === undefined) return text === pattern
  if (!text.startsWith(first)) return false
  let at = first.length
  for (const part of rest) {
    const found = text.indexOf(part, at)
    if (found === -1) return false
    at = found + part.length
  }
  return text.length - last.length >= at && text.endsWith(last)
}

/** The worst first, then the last that came up. */
export function ranked(troubles: readonly Trouble[]): Trouble[] {
  const weight = ({ severity }: Trouble) => (severity === 'critical' ? 0 : 1)
  return troubles.toSorted(
    (one, other) => weight(one) - weight(other) || one.position - other.position,
  )
}

export function troubleAcknowledged(trouble: Trouble, given: Acknowledgement): Fact {
  const { id, project, endpoint, kind, subject } = trouble
  return {
    type: 'alert-acknowledged',
    data: { alert: id, project, endpoint, kind, subject, comment: given.comment },
  }
}
