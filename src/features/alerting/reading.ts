import type { Entry } from '#ledger'
import type { Severity } from './trouble.ts'

/** What an entry of the ledger says about troubles. */
export type Said =
  | {
      readonly says: 'raised'
      readonly id: string
      readonly key: string
      readonly endpoint: string
      /** Where the entry names it itself. */
      readonly project: string | undefined
      readonly kind: string
      readonly subject: string
      readonly severity: Severity
      readonly detail: string
    }
  | { readonly says: 'cleared'; readonly keys: readonly string[] }

const READERS: Readonly<Record<string, (entry: Entry) => Said | undefined>> = {
  'alert-raised': (entry) => {
    const alert = text(entry, 'alert')
    const kind = text(entry, 'kind')
    return raised(entry, {
      id: alert,
      key: alert,
      kind,
      subject: text(entry, 'subject'),
      severity: severityOf(text(entry, 'severity'), kind),
      detail: text(entry, 'detail'),
    })
  },
  'alert-worsened': (entry) => READERS['alert-raised']?.(entry),
  'alert-cleared': (entry) => ({ says: 'cleared', keys: [text(entry, 'alert')] }),
  'rollout-rolled-back': (entry) => rolloutTrouble(entry, `rolled back: ${text(entry, 'reason')}`),
  'rollout-failed': (entry) =>
    rolloutTrouble(
      entry,
      `${text(entry, 'modelVersion')} could not take over: ${text(entry, 'reason')}`,
    ),
  'rollout-completed': (entry) => ({ says: 'cleared', keys: [rolloutKey(entry)] }),
  // Its rollouts are over by this word; of its other alerts the monitors tell.
  'endpoint-removed': (entry) => ({ says: 'cleared', keys: [rolloutKey(entry)] }),
  'policy-gave-up': (entry) => {
    const [project, policy] = [text(entry, 'project'), text(entry, 'policy')]
    const key = `policy-gave-up/${project}/${policy}`
    const rest = { kind: 'policy', subject: policy, severity: 'warning' } as const
    return raised(entry, {
      id: `${key}/${entry.position}`,
      key,
      project,
      ...rest,
      detail: text(entry, 'why'),
    })
  },
  'policy-outcome': (entry) =>
    text(entry, 'outcome') === 'kept'
      ? {
          says: 'cleared',
          keys: [`policy-gave-up/${text(entry, 'project')}/${text(entry, 'policy')}`],
        }
      : undefined,
  'policy-run-finished': (entry) => {
    const [project, policy] = [text(entry, 'project'), text(entry, 'policy')]
    const key = `policy/${project}/${policy}`
    const outcome = text(entry, 'outcome')
    if (outcome === 'succeeded') return { says: 'cleared', keys: [key] }
    if (outcome !== 'failed') return undefined
    return raised(entry, {
      id: `${key}/${entry.position}`,
      key,
      project,
      kind: 'policy',
      subject: policy,
      severity: 'warning',
      detail: `the run of the policy ${policy} failed: ${text(entry, 'reason')}`,
    })
  },
}

/** Entries that troubles are read from. */
export const TOLD_BY: readonly string[] = Object.keys(READERS)

export function saidBy(entry: Entry): Said | undefined {
  return READERS[entry.type]?.(entry)
}

function rolloutKey(entry: Entry): string {
  return `rollout/${text(entry, 'endpoint')}`
}

function rolloutTrouble(entry: Entry, detail: string): Said {
  const key = rolloutKey(entry)
  return raised(entry, {
    id: `${key}/${entry.position}`,
    key,
    kind: 'rollout',
    subject: '',
    severity: 'warning',
    detail,
  })
}

function raised(
  entry: Entry,
  rest: Omit<Extract<Said, { says: 'raised' }>, 'says' | 'endpoint' | 'project'> & {
    project?: string
  },
): Said {
  return { says: 'raised', endpoint: text(entry, 'endpoint'), project: undefined, ...rest }
}

/** Answers that are wrong hurt at once; what drifted may. */
function severityOf(said: string, kind: string): Severity {
  if (said === 'critical' || said === 'warning') return said
  return kind === 'performance' ? 'critical' : 'warning'
}

function text({ data }: Entry, field: string): string {
  const value = data[field]
  return typeof value === 'string' || typeof value === 'number' ? String(value) : ''
}
