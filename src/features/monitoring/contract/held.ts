import { columnsOf, type Check, type Dataset, type Rule, type Test } from '#contracts'
import type { PredictionRow } from '#serving'
import type { QualityIssue, Unchecked } from '../quality/verdict.ts'
import type { KnownContract } from './contract.ts'

/** Says for each rule of a contract whether it can be told of single predictions, and why not. */
export function liveRules(
  { dataset, unkept }: Extract<KnownContract, { state: 'known' }>,
  inputs: ReadonlySet<string> | undefined,
): { rules: Rule[]; unchecked: Unchecked[] } {
  const rules: Rule[] = []
  const reasons = new Map<string, string[]>()
  for (const rule of dataset.rules) {
    const own = unkept[rule.id]
    const reason =
      reasonAgainst(rule, inputs) ??
      (own === undefined ? undefined : `the training data does not keep it either: ${own}`)
    if (reason === undefined) rules.push(rule)
    else reasons.set(reason, [...(reasons.get(reason) ?? []), rule.id])
  }
  const unchecked = [...reasons].map(([reason, ids]) => ({ what: ids.join(', '), reason }))
  return { rules, unchecked }
}

/** Tests of single rows, of columns, and of keys. */
const OF_INPUTS: ReadonlySet<Test['kind']> = new Set([
  'column',
  'type',
  'nulls',
  'missing',
  'set',
  'pattern',
  'range',
  'length',
  'multiple',
  'nan',
  'infinite',
  'duplicates',
])

function reasonAgainst(
  { test, limit }: Rule,
  inputs: ReadonlySet<string> | undefined,
): string | undefined {
  if (!OF_INPUTS.has(test.kind)) return WHOLE[test.kind] ?? 'it is about the whole dataset'
  if (columnsOf(test).some((column) => inputs?.has(column) === false))
    return 'the model does not take what it is about'
  const isCount = limit.unit === 'rows' && test.kind !== 'column' && !isNone(limit)
  return isCount ? 'its limit is a number of rows of the whole dataset, not of a window' : undefined
}

const WHOLE: Readonly<Partial<Record<Test['kind'], string>>> = {
  'other-columns': 'the model takes only some of the columns',
  rows: 'it is about how many rows the whole dataset has',
  distinct: 'it is about how many values the whole dataset has',
  age: 'it is about how old the dataset is',
  sql: 'it is a query over the whole dataset',
  reference: 'it points at another dataset',
  drift: 'windows are compared with the training data anyway',
}

function isNone(limit: Rule['limit']): boolean {
  return 'value' in limit && limit.value === 0
}

/** From this share on what breaks a rule is told at once. */
const GROSS = 0.5

/** What a broken rule is to those who look after an endpoint. */
export function issuesOf(
  checks: readonly Check[],
  file: string,
  rows: readonly PredictionRow[],
): { issues: QualityIssue[]; unchecked: Unchecked[] } {
  const issues = checks.flatMap((check): QualityIssue[] => {
    if (check.outcome !== 'failed') return []
    const isGross = check.kind === 'column' || (check.share ?? 0) >= GROSS
    return [
      {
        column: check.columns.length === 1 ? (check.columns[0] as string) : '',
        check: 'contract',
        severity: isGross && check.severity === 'error' ? 'critical' : 'warning',
        share: check.share,
        detail: `against ${file}, ${check.message}`,
        rule: check.id,
        examples: check.examples.map(({ row, values, rows: alike }) => ({
          prediction: row === null ? null : (rows[row]?.id ?? null),
          values,
          ...(alike === undefined ? {} : { rows: alike }),
        })),
      },
    ]
  })
  const unchecked = checks.flatMap((check) =>
    check.outcome === 'skipped' ? [{ what: check.id, reason: check.message }] : [],
  )
  return { issues, unchecked }
}

/** A dataset with these rules alone. */
export function withRules(dataset: Dataset, rules: readonly Rule[]): Dataset {
  return { ...dataset, rules }
}
