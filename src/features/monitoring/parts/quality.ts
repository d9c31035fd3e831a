import type { MonitorConfig } from '#projects'
import type { PredictionRow } from '#serving'
import { issuesOf as issuesIn, liveRules, withRules } from '../contract/held.ts'
import { lasting, lastingCondition } from '../alerts/conditions.ts'
import type { Condition } from '../alerts/findings.ts'
import type { Part, View } from './part.ts'
import { persists } from '../alerts/persistence.ts'

import type { QualityIssue, QualityVerdict, Unchecked } from '../quality/verdict.ts'
import type { KnownReference } from '../references/reference.ts'
import { windowRef, type Window } from '../windows/window.ts'

/** Whether what was asked is what the model was made for: types, gaps, new values, sensors that are stuck, other units. */
export const quality: Part = {
  kind: 'quality',
  due: 'closed',
  judge: async (view) => ({ quality: await qualityIn(view) }),
  withoutRows: (reason) => ({ quality: { state: 'skipped', reason } }),
  again: ({ quality: kept }, { min_samples: least }) =>
    kept?.state === 'judged' && kept.rows < least
      ? {
          quality: {
            state: 'skipped',
            reason: `${kept.rows} predictions are fewer than ${least}`,
          },
        }
      : {},
  told: ({ quality: found }) => ({
    qualityIssues:
      found?.state === 'judged'
        ? found.issues
            .slice(0, ISSUES_TOLD)
            .map(({ column, check, detail }) => ({ column, check, detail }))
        : null,
    qualitySkipped: found?.state === 'skipped' ? found.reason : null,
  }),
  lookback: () => EARLIER,
  conditions: qualityConditions,
  finding: (window, { subject, detail, severity }, { task }) => ({
    type: 'quality-broke',
    data: {
      endpoint: window.endpoint,
      window: windowRef(window).id,
      modelVersion: window.modelVersion,
      column: subject,
      severity,
      detail,
    },
    eventMs: task.dueMs,
  }),
}

/** A fact stays small: the window itself has all. */
const ISSUES_TOLD = 10

/** Windows from which what is usual is learnt. */
const EARLIER = 8

async function qualityIn(view: View): Promise<QualityVerdict> {
  const known = await view.reference()
  const found = await comparedIn(view, known)
  const rows = await view.rows()
  if (found.state === 'skipped' && rows.length < view.monitor.min_samples) return found
  const columns = known.state === 'known' ? Object.keys(known.reference.profile.columns) : undefined
  const promised = await promisedIn(view, rows, columns)
  if (promised === undefined) return found
  const { file, rules, issues, unchecked } = promised
  const contract = file === undefined ? {} : { contract: { file, rules } }
  if (found.state === 'judged')
    return {
      ...found,
      issues: [...found.issues, ...issues],
      unchecked: [...found.unchecked, ...unchecked],
      ...contract,
    }
  if (file === undefined) {
    const reasons = [found.reason, ...unchecked.map(({ what, reason }) => `${what}: ${reason}`)]
    return { state: 'skipped', reason: reasons.join('; ') }
  }
  // Promises hold whether or not there is anything to compare with.
  const without = { what: 'what differs from the training data', reason: found.reason }
  return {
    state: 'judged',
    rows: rows.length,
    issues,
    unchecked: [without, ...unchecked],
    duplicates: 0,
    columns: {},
    ...contract,
  }
}

async function comparedIn(view: View, known: KnownReference): Promise<QualityVerdict> {
  const samplesMin = view.monitor.min_samples
  if (known.state === 'unknown') {
    const reason = `there is no reference: ${known.reason}`
    return { state: 'skipped', reason }
  }
  const earlier = await view.earlier(EARLIER)
  return view.work('quality', {
    profile: known.reference.profile,
    options: {
      samplesMin,
      drift: view.found.drift,
      earlier: earlier.flatMap(({ quality: each }) => each ?? []),
    },
  })
}

/** What the contract of the training data says of the inputs; undefined where nobody promised anything. */
async function promisedIn(
  view: View,
  rows: readonly PredictionRow[],
  columns: readonly string[] | undefined,
): Promise<
  | { file: string | undefined; rules: number; issues: QualityIssue[]; unchecked: Unchecked[] }
  | undefined
> {
  const known = await view.contract()
  if (known.state === 'none') return undefined
  if (known.state === 'unknown')
    return {
      file: undefined,
      rules: 0,
      issues: [],
      unchecked: [{ what: 'the contract', reason: known.reason }],
    }
  const { file, dataset } = known
  const { rules, unchecked } = liveRules(
    known,
    columns === undefined ? undefined : new Set(columns),
  )
  const inputs = rows.map((row) => row.inputs)
  const checks = rules.length === 0 ? [] : await view.checks(inputs, withRules(dataset, rules))
  const found = issuesIn(checks, file, rows)
  return {
    file,
    rules: rules.length,
    issues: found.issues,
    unchecked: [...unchecked, ...found.unchecked],
  }
}

const PERSISTENCE = { windows: 2, of: 3 }

/** What is broken beyond doubt is told at once, all else when it lasts. Whatever version answered: callers send what they send. */
function qualityConditions(
  window: Window,
  earlier: readonly Window[],
  monitor: MonitorConfig,
): readonly Condition[] | 'unjudged' {
  const found = window.quality
  if (found === undefined || found.state === 'skipped') return 'unjudged'
  const persistence = monitor.quality?.persistence ?? PERSISTENCE
  const windows = [...earlier, window]
  const told = windows.flatMap(({ quality: each }) => (each?.state === 'judged' ? each.issues : []))
  const subjects = ['', ...Object.keys(found.columns), ...told.map(({ column }) => column)]
  return [...new Set(subjects)].map((column): Condition => {
    const now = issuesOf(window, column) ?? []
    const flags = windows.map((each) => {
      const issues = issuesOf(each, column)
      return issues === undefined ? null : issues.length > 0
    })
    const detail =
      now.map((issue) => issue.detail).join('; ') ||
      `${column || 'rows'} broke, ${lasting(persistence)}`
    if (now.some(({ severity }) => severity === 'critical'))
      return { state: 'holds', subject: column, severity: 'critical', detail }
    if (now.length === 0 && persists(flags, persistence)) return { state: 'open', subject: column }
    return lastingCondition(flags, persistence, { subject: column, severity: 'warning', detail })
  })
}

function issuesOf({ quality: found }: Window, column: string): QualityIssue[] | undefined {
  return found?.state === 'judged'
    ? found.issues.filter((issue) => issue.column === column)
    : undefined
}
