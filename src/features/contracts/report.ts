import type { Plain, Severity, TestKind } from './rule.ts'

/** A row that breaks a rule. */
export interface Example {
  /** Null for what is no row of a file: a value that is there twice. */
  readonly file: string | null
  /** Counted from 0 in its file. */
  readonly row: number | null
  readonly values: Readonly<Record<string, Plain | null>>
  /** How many rows are like it, where that is known. */
  readonly rows?: number
}

/** What one rule found. `skipped` is neither good nor bad: the rule could not be applied, for the reason that is given. */
export interface Check {
  readonly id: string
  readonly dataset: string
  readonly kind: TestKind
  readonly columns: readonly string[]
  readonly severity: Severity
  readonly outcome: 'passed' | 'failed' | 'skipped'
  readonly expected: string
  /** The number that was measured, in the limit's unit; null where the rule was skipped. */
  readonly observed: number | null
  /** Rows that break the rule, where it is about rows. */
  readonly failures: number | null
  /** Of all rows of the dataset. */
  readonly share: number | null
  /** What TensorFlow Data Validation calls it; null for a rule that held, and for what TFDV does not know. */
  readonly anomaly: string | null
  readonly message: string
  readonly description: string | null
  readonly examples: readonly Example[]
}

export interface DatasetReport {
  readonly name: string
  readonly path: string
  readonly files: number
  readonly rows: number
  readonly checks: readonly Check[]
}

export type Outcome = 'passed' | 'warned' | 'failed'

/** What came of a contract: the same data and contract give the same text. */
export interface Report {
  readonly contract: { readonly file: string; readonly id: string; readonly version: string }
  readonly outcome: Outcome
  readonly counts: Counts
  readonly datasets: readonly DatasetReport[]
}

export interface Counts {
  readonly passed: number
  readonly warned: number
  readonly failed: number
  readonly skipped: number
}

export function countsOf(checks: readonly Check[]): Counts {
  const counts = { passed: 0, warned: 0, failed: 0, skipped: 0 }
  for (const check of checks) counts[wordFor(check)]++
  return counts
}

function wordFor({ outcome, severity }: Check): keyof Counts {
  return outcome === 'failed' && severity === 'warning' ? 'warned' : outcome
}

export function outcomeOf(counts: Counts): Outcome {
  if (counts.failed > 0) return 'failed'
  return counts.warned > 0 ? 'warned' : 'passed'
}

/** What went wrong, the worst first: one sentence for each check. */
export function failuresOf(report: Report): string[] {
  const checks = report.datasets.flatMap((dataset) => dataset.checks)
  const failed = checks.filter(({ outcome }) => outcome === 'failed')
  return failed.toSorted((one, other) => weight(one) - weight(other)).map(({ message }) => message)
}

function weight({ severity }: Check): number {
  return severity === 'error' ? 0 : 1
}
