import { answersOf } from '../answers.ts'
import { taskOf } from '../infer.ts'
import type { AnsweredRow, Answers, Roles } from '../tasks.ts'
import {
  estimateClassification,
  fitClassification,
  type ClassificationEstimator,
  type Classified,
  type Estimate,
  type Worth,
} from './cbpe.ts'
import { estimateLoss, fitLoss, type LossEstimator } from './dle.ts'
import { macroName, realisedMetrics } from './realised.ts'

/** Tells how good answers of one model version are without their truths, as it learnt from answers with truths. Plain JSON. */
export interface Estimator {
  readonly version: 1
  /** What was said of the answers, and what was read off the rows that it was fitted on. */
  readonly roles: Roles
  readonly task: 'binary' | 'multiclass' | 'regression'
  readonly rows: number
  readonly fitted: ClassificationEstimator | LossEstimator
  /** What each metric was over those rows, and between what it lay over tenths of them. */
  readonly usual: Readonly<Record<string, Usual>>
}

export interface Usual {
  readonly value: number
  /** Three standard deviations over the tenths to either side of their mean. */
  readonly low: number
  readonly high: number
}

export type Fitted =
  | { readonly state: 'fitted'; readonly estimator: Estimator }
  | { readonly state: 'unfit'; readonly reason: string }

/** Learns from rows with truths, in the order of time. */
export function fitEstimator(
  rows: readonly AnsweredRow[],
  said: Roles = {},
  worth: Worth | null = null,
): Fitted {
  const told = rows.filter(({ label }) => label !== null)
  const task = taskOf(told, said)?.task
  if (task === undefined) return unfit('no answer has a truth yet')
  if (task !== 'binary' && task !== 'multiclass' && task !== 'regression')
    return unfit(`there is no way to estimate the performance of a ${task} model`)
  const answers = answersOf(told, task, said)
  if (answers.rows.length === 0) return unfit('no answer can be read')
  const fitted = fittedOf(told, answers, worth)
  if (typeof fitted === 'string') return unfit(fitted)
  const roles = rolesOf(said, answers)
  const usual = usualOf(told, task, roles)
  const { length } = answers.rows
  return { state: 'fitted', estimator: { version: 1, roles, task, rows: length, fitted, usual } }
}

function unfit(reason: string): Fitted {
  return { state: 'unfit', reason }
}

function fittedOf(
  told: readonly AnsweredRow[],
  answers: Answers,
  worth: Worth | null,
): Estimator['fitted'] | string {
  if (answers.task === 'regression')
    return fitLoss(
      Array.from(answers.rows, (row) => (told[row] as AnsweredRow).inputs),
      answers.predicted,
      answers.truths,
    )
  const classified = classifiedOf(answers)
  if (classified === undefined) return 'answers are classes without their probabilities'
  if (answers.task === 'multiclass' && answers.classes.length > answers.width)
    return 'some truths are classes that answers have no probability for'
  const truths = 'truths' in answers ? Uint8Array.from(answers.truths) : new Uint8Array()
  return fitClassification(classified, truths, worth)
}

function classifiedOf(answers: Answers): Classified | undefined {
  if (answers.task === 'binary') {
    if (answers.scores === null) return undefined
    const areShares = answers.scores.every((score) => score >= 0 && score <= 1)
    return areShares ? { scores: [answers.scores], predicted: answers.predicted } : undefined
  }
  if (answers.task !== 'multiclass' || answers.probabilities === null) return undefined
  const { probabilities, width } = answers
  const scores = Array.from({ length: width }, (_, place) =>
    Float64Array.from(
      answers.rows,
      (_row, index) => probabilities[index * width + place] as number,
    ),
  )
  return { scores, predicted: Uint8Array.from(answers.predicted) }
}

/** Later windows are read as these rows were, also where they lack a class. */
function rolesOf(said: Roles, answers: Answers): Roles {
  if (answers.task === 'binary') return { ...said, task: 'binary', positive: answers.positive }
  if (answers.task === 'multiclass')
    return { ...said, task: 'multiclass', classes: answers.classes.slice(0, answers.width) }
  return { ...said, task: answers.task }
}

const TENTHS = 10

function usualOf(
  told: readonly AnsweredRow[],
  task: Estimator['task'],
  roles: Roles,
): Record<string, Usual> {
  const size = Math.ceil(told.length / TENTHS)
  const parts = Array.from({ length: TENTHS }, (_, index) =>
    realisedMetrics(answersOf(told.slice(index * size, (index + 1) * size), task, roles)),
  )
  return Object.fromEntries(
    Object.entries(realisedMetrics(answersOf(told, task, roles))).flatMap(([metric, value]) => {
      const values = parts.flatMap((part) => part[metric] ?? [])
      if (values.length < TENTHS) return []
      const mean = values.reduce((all, each) => all + each, 0) / values.length
      const squares = values.reduce((all, each) => all + (each - mean) ** 2, 0)
      const spread = 3 * Math.sqrt(squares / values.length)
      return [[metric, { value, low: mean - spread, high: mean + spread }]]
    }),
  )
}

/** What the metrics of some answers probably are, whether or not their truths are known. */
export function estimate(estimator: Estimator, rows: readonly AnsweredRow[]): Estimate[] {
  const { task, roles, fitted } = estimator
  const placeholder = task === 'binary' ? roles.positive : (roles.classes?.[0] ?? 0)
  const answers = answersOf(
    rows.map((row) => ({ ...row, label: placeholder ?? 0 })),
    task,
    roles,
  )
  if (fitted.method === 'dle')
    return answers.task === 'regression'
      ? estimateLoss(
          fitted,
          Array.from(answers.rows, (row) => (rows[row] as AnsweredRow).inputs),
          answers.predicted,
        )
      : []
  const classified = classifiedOf(answers)
  if (classified === undefined || classified.scores.length !== fitted.calibrators.length) return []
  const estimates = estimateClassification(fitted, classified)
  if (task === 'binary') return estimates
  return estimates.map((each) => Object.assign({}, each, { metric: macroName(each.metric) }))
}

/** The same metrics by the truths that have come, of those rows that have one. */
export function realised(
  { task, roles }: Estimator,
  rows: readonly AnsweredRow[],
): Record<string, number> {
  const told = rows.filter(({ label }) => label !== null)
  return told.length === 0 ? {} : realisedMetrics(answersOf(told, task, roles))
}
