import { normalQuantile } from '#statistics'
import { answersOf } from './answers.ts'
import { groupsOf, groupTitle, type GroupBy } from './groups.ts'
import { taskOf } from './infer.ts'
import { bare, none, Z } from './intervals.ts'
import { judgedLimit, type JudgedLimit, type Limit } from './limits.ts'
import { measure } from './measure.ts'
import { subsetOf } from './subset.ts'
import type { AnsweredRow, Answers, Metric, Metrics, Roles, Task } from './tasks.ts'

/** How differently the groups of a column were treated. */
export type FairnessVerdict =
  | { readonly state: 'skipped'; readonly reason: string }
  | {
      readonly state: 'measured'
      readonly task: Task
      readonly columns: readonly FairColumn[]
      readonly limits: readonly JudgedLimit[]
    }

export interface FairColumn {
  readonly by: string
  readonly groups: readonly FairGroup[]
  /** Groups that are too small to be told of, and the rows in them. */
  readonly suppressed: { readonly groups: number; readonly rows: number }
  readonly overall: Metrics
  /** Between the groups that are told of. */
  readonly metrics: Metrics
}

export interface FairGroup {
  readonly group: string
  readonly rows: number
  readonly metrics: Metrics
}

export interface FairnessSettings {
  readonly roles?: Roles
  readonly by: readonly GroupBy[]
  readonly groupMin: number
  readonly limits?: readonly Limit[]
}

/** What each metric between groups compares, and how. */
const COMPARED: Readonly<Record<string, Comparison>> = {
  demographic_parity_difference: { of: ['selection_rate'], as: 'difference' },
  demographic_parity_ratio: { of: ['selection_rate'], as: 'ratio' },
  equalized_odds_difference: { of: ['recall', 'fpr'], as: 'difference' },
  equalized_odds_ratio: { of: ['recall', 'fpr'], as: 'ratio' },
  equal_opportunity_difference: { of: ['recall'], as: 'difference' },
  equal_opportunity_ratio: { of: ['recall'], as: 'ratio' },
  predictive_parity_difference: { of: ['precision'], as: 'difference' },
  accuracy_difference: { of: ['accuracy'], as: 'difference' },
  accuracy_ratio: { of: ['accuracy'], as: 'ratio' },
  calibration_gap: { of: ['calibration_difference'], as: 'difference' },
  worst_ece: { of: ['ece'], as: 'largest' },
  mean_error_difference: { of: ['me'], as: 'difference' },
  mae_difference: { of: ['mae'], as: 'difference' },
  mae_ratio: { of: ['mae'], as: 'ratio' },
}

interface Comparison {
  readonly of: readonly string[]
  readonly as: 'difference' | 'ratio' | 'largest'
}

const BY_TASK: Readonly<Partial<Record<Task, readonly string[]>>> = {
  binary: [
    'selection_rate',
    'recall',
    'fpr',
    'precision',
    'accuracy',
    'event_rate',
    'calibration_difference',
    'ece',
  ],
  multiclass: ['accuracy'],
  regression: ['me', 'mae'],
}

export const FAIRNESS_METRICS: readonly string[] = Object.keys(COMPARED)

export function fairnessOf(
  rows: readonly AnsweredRow[],
  { roles = {}, by, groupMin, limits = [] }: FairnessSettings,
): FairnessVerdict {
  const inferred = taskOf(rows, roles)
  if (inferred === undefined) return { state: 'skipped', reason: 'no truth has come' }
  const { task } = inferred
  const names = BY_TASK[task]
  if (names === undefined)
    return { state: 'skipped', reason: `fairness of ${task} is not measured` }
  const answers = answersOf(rows, task, roles)
  const columns = by.map((each) => fairColumn(rows, answers, { by: each, groupMin, names }))
  return {
    state: 'measured',
    task,
    columns,
    limits: columns.flatMap((column) =>
      limits.map((limit) =>
        judgedLimit(
          limit,
          column.metrics[limit.metric] ?? none(`${task} has no metric ${limit.metric}`),
          { of: column.by, labels: column.groups.reduce((all, each) => all + each.rows, 0) },
        ),
      ),
    ),
  }
}

function fairColumn(
  rows: readonly AnsweredRow[],
  answers: Answers,
  { by, groupMin, names }: { by: GroupBy; groupMin: number; names: readonly string[] },
): FairColumn {
  const { groups } = groupsOf(rows, answers.rows, by)
  const told = groups.filter(({ places }) => places.length >= groupMin)
  const small = groups.filter(({ places }) => places.length < groupMin)
  const fair = told.map(({ name, places }): FairGroup => ({
    group: name,
    rows: places.length,
    metrics: measure(subsetOf(answers, places), { only: names }),
  }))
  const possible = Object.entries(COMPARED).filter(([, { of }]) =>
    of.every((name) => names.includes(name)),
  )
  return {
    by: groupTitle(by),
    groups: fair,
    suppressed: {
      groups: small.length,
      rows: small.reduce((all, { places }) => all + places.length, 0),
    },
    overall: measure(answers, { only: names }),
    metrics: Object.fromEntries(
      possible.map(([name, comparison]) => [name, compared(fair, comparison)]),
    ),
  }
}

function compared(groups: readonly FairGroup[], { of, as }: Comparison): Metric {
  const each = of.map((name) => comparedBy(groups, name, as))
  const known = each.filter(({ value }) => value !== null)
  if (known.length === 0) return each[0] ?? none('nothing is compared')
  // Of several rates the worse one: as Fairlearn has it.
  const worse = known.toSorted((one, other) => (one.value ?? 0) - (other.value ?? 0))
  return (as === 'ratio' ? worse[0] : worse.at(-1)) ?? none('nothing is compared')
}

function comparedBy(groups: readonly FairGroup[], name: string, as: Comparison['as']): Metric {
  // A rate of nothing is 0, with a note that says so; it stands as in Fairlearn.
  const known = groups.flatMap(({ metrics, rows }) => {
    const metric = metrics[name]
    return metric === undefined || metric.value === null
      ? []
      : [{ ...metric, value: metric.value, rows }]
  })
  const sorted = known.toSorted((one, other) => one.value - other.value)
  const [least, most] = [sorted[0], sorted.at(-1)]
  if (least === undefined || most === undefined || sorted.length < 2)
    return none('fewer than two groups are large enough')
  if (as === 'largest') return { value: most.value, ciLow: most.ciLow, ciHigh: most.ciHigh }
  const pairs = (sorted.length * (sorted.length - 1)) / 2
  return as === 'ratio' ? ratioOf(least, most, pairs) : differenceOf(least, most, pairs)
}

type KnownMetric = Metric & { readonly value: number }

/**
 * The difference with the interval that Newcombe (1998) makes of both their own. The two are the extremes of
 * all pairs, so each pair gets its share of the error (Bonferroni).
 */
function differenceOf(least: KnownMetric, most: KnownMetric, pairs: number): Metric {
  const value = most.value - least.value
  if (least.ciLow === null || least.ciHigh === null || most.ciLow === null || most.ciHigh === null)
    return bare(value)
  const wider = widening(pairs)
  return {
    value,
    ciLow: value - wider * Math.hypot(most.value - most.ciLow, least.ciHigh - least.value),
    ciHigh: value + wider * Math.hypot(most.ciHigh - most.value, least.value - least.ciLow),
  }
}

/** The ratio with the interval of its logarithm. */
function ratioOf(least: KnownMetric, most: KnownMetric, pairs: number): Metric {
  if (most.value === 0) return none('it is 0 in all groups')
  const value = least.value / most.value
  const one = relativeError(least)
  const other = relativeError(most)
  if (value <= 0 || one === undefined || other === undefined) return bare(value)
  const half = widening(pairs) * Z * Math.hypot(one, other)
  return { value, ciLow: value * Math.exp(-half), ciHigh: value * Math.exp(half) }
}

function relativeError({ value, ciLow, ciHigh }: KnownMetric): number | undefined {
  return ciLow === null || ciHigh === null || value === 0
    ? undefined
    : (ciHigh - ciLow) / (2 * Z * Math.abs(value))
}

function widening(pairs: number): number {
  return normalQuantile(1 - 0.025 / pairs) / Z
}
