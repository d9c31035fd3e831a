import { answersOf } from './answers.ts'
import { taskOf } from './infer.ts'
import { mean } from './intervals.ts'
import type { AnsweredRow, Answers, Metric, Roles } from './tasks.ts'

/** What outcomes are worth: by `tp`, `fp`, `fn`, `tn` or `over`, `under`; or by truth and prediction. */
export type Outcomes =
  | Readonly<Record<string, number>>
  | Readonly<Record<string, Readonly<Record<string, number>>>>

/** A figure that the business knows. */
export interface Kpi extends Metric {
  readonly name: string
  readonly unit: string | null
  /** Over all rows that were weighed; null of what is no mean of rows. */
  readonly total: number | null
  readonly rows: number
}

/** What a prediction was worth on average, by its outcome; an outcome that has no worth is worth 0. */
export function worthOf(
  rows: readonly AnsweredRow[],
  outcomes: Outcomes,
  roles: Roles,
): Omit<Kpi, 'name' | 'unit'> {
  const inferred = taskOf(rows, roles)
  if (inferred === undefined) return nothing('no truth has come')
  const answers = answersOf(rows, inferred.task, roles)
  const worths = worthsOf(answers, outcomes)
  if (typeof worths === 'string') return nothing(worths)
  return {
    ...mean(worths),
    total: worths.length === 0 ? null : worths.reduce((all, each) => all + each, 0),
    rows: worths.length,
  }
}

export function nothing(why: string): Omit<Kpi, 'name' | 'unit'> {
  return { value: null, ciLow: null, ciHigh: null, note: why, total: null, rows: 0 }
}

function worthsOf(answers: Answers, outcomes: Outcomes): Float64Array | string {
  const isTable = Object.values(outcomes).every((each) => typeof each === 'object')
  if (isTable) return byTable(answers, outcomes as Readonly<Record<string, Record<string, number>>>)
  const flat = outcomes as Readonly<Record<string, number>>
  const isAmount = Object.hasOwn(flat, 'over') || Object.hasOwn(flat, 'under')
  if (answers.task === 'binary' && !isAmount) return byCell(answers, flat)
  if (answers.task === 'regression' && isAmount) return bySide(answers, flat)
  return isAmount
    ? `over and under are of amounts, and answers are ${answers.task}`
    : `tp, fp, fn and tn are of two classes, and answers are ${answers.task}`
}

function byCell(
  { truths, predicted }: Extract<Answers, { task: 'binary' }>,
  { tp = 0, fp = 0, fn = 0, tn = 0 }: Readonly<Record<string, number>>,
): Float64Array {
  const worths = [tn, fp, fn, tp]
  return Float64Array.from(
    truths,
    (truth, row) => worths[truth * 2 + (predicted[row] as number)] as number,
  )
}

/** What each unit that was predicted too much, or too little, is worth. */
function bySide(
  { truths, predicted }: Extract<Answers, { task: 'regression' }>,
  { over = 0, under = 0 }: Readonly<Record<string, number>>,
): Float64Array {
  return truths.map((truth, row) => {
    const error = (predicted[row] as number) - truth
    return error > 0 ? over * error : under * -error
  })
}

function byTable(
  answers: Answers,
  table: Readonly<Record<string, Readonly<Record<string, number>>>>,
): Float64Array | string {
  if (answers.task !== 'binary' && answers.task !== 'multiclass')
    return `a table by truth and prediction is of classes, and answers are ${answers.task}`
  const names =
    answers.task === 'multiclass'
      ? answers.classes
      : [otherClass(table, answers.positive), answers.positive]
  return Float64Array.from(answers.truths, (truth, row) => {
    const said = names[answers.predicted[row] as number] ?? ''
    return table[names[truth] ?? '']?.[said] ?? 0
  })
}

/** Of two classes the one that is not the event, as the table calls it. */
function otherClass(
  table: Readonly<Record<string, Readonly<Record<string, number>>>>,
  positive: string,
): string {
  const named = [
    ...Object.keys(table),
    ...Object.values(table).flatMap((each) => Object.keys(each)),
  ]
  return named.find((each) => each !== positive) ?? '0'
}
