import {
  amountOf,
  amountOutput,
  classNameOf,
  classOf,
  classOutput,
  listOf,
  numbersIn,
} from './outputs.ts'
import type { AnsweredRow, Roles, Task } from './tasks.ts'

export interface InferredTask {
  readonly task: Task
  /** Why it is this one, in words. */
  readonly because: string
}

/** More different whole numbers than this are amounts. */
const CLASSES_MAX = 20

/** Rows that are looked at to tell the task. */
const LOOKED_AT = 2000

/** The task by what is said, or by the truths and the answers; undefined when no row has a truth. */
export function taskOf(rows: readonly AnsweredRow[], roles: Roles): InferredTask | undefined {
  if (roles.task !== undefined) return { task: roles.task, because: 'it is said so' }
  const told = evenly(rows.filter((row) => row.label !== null))
  if (told.length === 0) return undefined
  if (roles.group !== undefined)
    return { task: 'ranking', because: `rows are ranked within ${roles.group}` }
  if (told.every(({ label }) => listOf(label) !== undefined))
    return { task: 'multilabel', because: 'truths are lists of labels' }
  return byClasses(told, roles) ?? byNumbers(told, roles)
}

function byClasses(told: readonly AnsweredRow[], roles: Roles): InferredTask | undefined {
  const wide = widthOf(told, roles)
  if (wide > 2) return { task: 'multiclass', because: `answers have ${wide} probabilities` }
  if (wide === 2) return { task: 'binary', because: 'answers have two probabilities' }
  if (roles.positive !== undefined) return { task: 'binary', because: 'a positive class is said' }
  const truths = new Set(told.map(({ label }) => classNameOf(label)))
  if (told.every(({ label }) => amountOf(label) !== undefined || classOf(label) !== undefined))
    return undefined
  return truths.size <= 2
    ? { task: 'binary', because: 'truths are texts of two classes' }
    : { task: 'multiclass', because: `truths are texts of ${truths.size} classes` }
}

function byNumbers(told: readonly AnsweredRow[], roles: Roles): InferredTask {
  const answers = told.map(({ outputs }) => amountOutput(outputs, roles.prediction))
  const named = told.map(({ outputs }) => classOutput(outputs, roles.prediction))
  const isEvent = told.every(({ label }) => classOf(label) !== undefined)
  const isShare = answers.every((each) => each === undefined || (each >= 0 && each <= 1))
  if (isEvent && isShare)
    return { task: 'binary', because: 'truths are 0 and 1, and answers lie between them' }
  const values = new Set<unknown>()
  const isWhole = told.every(({ label }, index) => {
    values.add(classNameOf(label)).add(named[index])
    return Number.isInteger(amountOf(label)) && named[index] !== undefined
  })
  if (isWhole && values.size <= CLASSES_MAX)
    return values.size <= 2
      ? { task: 'binary', because: 'truths and answers are two whole numbers' }
      : { task: 'multiclass', because: `truths and answers are ${values.size} whole numbers` }
  return { task: 'regression', because: 'truths and answers are numbers' }
}

/** How many probabilities an answer has. */
function widthOf(told: readonly AnsweredRow[], { probabilities }: Roles): number {
  if (typeof probabilities === 'object') return Object.keys(probabilities).length
  return told.reduce(
    (most, { outputs }) => Math.max(most, numbersIn(outputs, probabilities)?.length ?? 0),
    0,
  )
}

function evenly(rows: readonly AnsweredRow[]): readonly AnsweredRow[] {
  const step = Math.ceil(rows.length / LOOKED_AT)
  return step <= 1 ? rows : rows.filter((_, index) => index % step === 0)
}
