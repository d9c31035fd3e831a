import { answersOf } from './answers.ts'
import { reliabilityOf, type ReliabilityBin } from './calibration.ts'
import { MAIN, metricOf } from './catalogue.ts'
import { countsOf, tableOf, tableOfCounts, type Table } from './confusion.ts'
import { groupsOf, groupTitle, type GroupBy } from './groups.ts'
import { taskOf } from './infer.ts'
import { CLASS_MIN, judgedLimit, OVER_ALL, type JudgedLimit, type Limit } from './limits.ts'
import { measure } from './measure.ts'
import { perClass } from './multiclass.ts'
import { subsetOf } from './subset.ts'
import type { AnsweredRow, Answers, Metrics, Roles, Task } from './tasks.ts'

/** How good answers were, by the truths that have come. */
export type PerformanceVerdict =
  | { readonly state: 'too-few'; readonly reason: string; readonly labels: number }
  | MeasuredPerformance

export interface MeasuredPerformance {
  readonly state: 'measured'
  readonly task: Task
  /** Why it is this task, in words. */
  readonly because: string
  readonly labels: number
  /** Rows with a truth whose answer, or truth, could not be read. */
  readonly unread: number
  /** The metric to look at first: that of the first limit, else the task's. */
  readonly main: string
  readonly metrics: Metrics
  readonly limits: readonly JudgedLimit[]
  readonly confusion: Confusion | null
  readonly classes: ReturnType<typeof perClass> | null
  readonly reliability: readonly ReliabilityBin[] | null
  readonly slices: readonly SlicedPerformance[]
}

/** Truths down, predictions across. */
export interface Confusion {
  readonly classes: readonly string[]
  readonly counts: readonly (readonly number[])[]
}

/** The same metrics by the values of a column. */
export interface SlicedPerformance {
  readonly by: string
  readonly slices: readonly {
    readonly value: string
    readonly labels: number
    /** Null where there are too few. */
    readonly metrics: Metrics | null
  }[]
  /** Values that are not looked at, for there are too many. */
  readonly left: number
}

export interface PerformanceSettings {
  readonly roles?: Roles
  readonly samplesMin: number
  readonly limits?: readonly Limit[]
  readonly slices?: {
    readonly by: readonly GroupBy[]
    readonly samplesMin?: number
    readonly limits?: readonly Limit[]
  }
}

/** Classes are listed one by one up to this many. */
const CLASSES_TOLD = 50

export function performanceOf(
  rows: readonly AnsweredRow[],
  { roles = {}, samplesMin, limits = [], slices }: PerformanceSettings,
): PerformanceVerdict {
  const inferred = taskOf(rows, roles)
  const labels = rows.reduce((all, { label }) => all + (label === null ? 0 : 1), 0)
  if (inferred === undefined || labels < samplesMin)
    return { state: 'too-few', reason: `${labels} labels are fewer than ${samplesMin}`, labels }
  const { task, because } = inferred
  const answers = answersOf(rows, task, roles)
  const count = answers.rows.length
  if (count < samplesMin)
    return {
      state: 'too-few',
      reason: `only ${count} of ${labels} labelled answers can be read as ${task}; at least ${samplesMin} are needed`,
      labels: count,
    }
  const k = roles.k
  const measured = metricsWith(answers, limits, k)
  return {
    state: 'measured',
    task,
    because,
    labels: count,
    unread: labels - count,
    main: mainOf(task, limits, k),
    metrics: measured,
    limits: [
      ...limitsOn(answers, measured, { limits, of: null, k }),
      ...(slices === undefined ? [] : slicedLimits(rows, answers, { ...slices, samplesMin, k })),
    ],
    confusion: confusionOf(answers),
    classes:
      answers.task === 'multiclass' && answers.classes.length <= CLASSES_TOLD
        ? perClass(answers)
        : null,
    reliability: reliabilityIn(answers),
    slices:
      slices === undefined
        ? []
        : slices.by.map((by) =>
            slicedBy(rows, answers, {
              by,
              samplesMin: slices.samplesMin ?? samplesMin,
              limits: slices.limits ?? limits,
              k,
            }),
          ),
  }
}

type Place = number | undefined

function mainOf(task: Task, limits: readonly Limit[], k: Place): string {
  const said = limits.map(({ metric }) => metricOf(task, metric, k))
  return said.find((each) => each !== undefined) ?? metricOf(task, MAIN[task], k) ?? MAIN[task]
}

/** All metrics, and those that limits name with a place of their own. */
function metricsWith(answers: Answers, limits: readonly Limit[], k: Place): Metrics {
  const placed = limits.flatMap(({ metric }) => metricOf(answers.task, metric, k) ?? [])
  const options = k === undefined ? {} : { k }
  const all = measure(answers, options)
  const more = placed.filter((name) => !Object.hasOwn(all, name))
  return more.length === 0 ? all : { ...all, ...measure(answers, { ...options, only: more }) }
}

function limitsOn(
  answers: Answers,
  metrics: Metrics,
  { limits, of, k }: { limits: readonly Limit[]; of: string | null; k: Place },
): JudgedLimit[] {
  return limits.map((limit) => {
    const name = metricOf(answers.task, limit.metric, k) ?? limit.metric
    const metric = metrics[name] ?? measure(answers, { only: [name] })[name]
    const labels = answers.rows.length
    return judgedLimit(
      { ...limit, metric: name },
      metric ?? { value: null, ciLow: null, ciHigh: null },
      { of, labels, tooFew: tooFewFor(answers, name) },
    )
  })
}

function tooFewFor(answers: Answers, metric: string): string | undefined {
  if (answers.task !== 'binary' || OVER_ALL.has(metric)) return undefined
  const events = answers.truths.reduce((all, each) => all + each, 0)
  const least = Math.min(events, answers.truths.length - events)
  return least < CLASS_MIN ? `${least} labels of one class are fewer than ${CLASS_MIN}` : undefined
}

interface Slicing {
  readonly by: readonly GroupBy[]
  readonly samplesMin: number
  readonly limits?: readonly Limit[]
  readonly k: Place
}

function slicedLimits(
  rows: readonly AnsweredRow[],
  answers: Answers,
  { by, samplesMin, limits = [], k }: Slicing,
): JudgedLimit[] {
  if (limits.length === 0) return []
  return by.flatMap((column) =>
    groupsOf(rows, answers.rows, column).groups.flatMap(({ name, places }) => {
      if (places.length < samplesMin) return []
      const slice = subsetOf(answers, places)
      const only = limits.map(({ metric }) => metricOf(answers.task, metric, k) ?? metric)
      const metrics = measure(slice, k === undefined ? { only } : { only, k })
      return limitsOn(slice, metrics, { limits, of: `${groupTitle(column)}=${name}`, k })
    }),
  )
}

function slicedBy(
  rows: readonly AnsweredRow[],
  answers: Answers,
  asked: { by: GroupBy; samplesMin: number; limits: readonly Limit[]; k: Place },
): SlicedPerformance {
  const { task } = answers
  const { groups, left } = groupsOf(rows, answers.rows, asked.by)
  const named = asked.limits.flatMap(({ metric }) => metricOf(task, metric, asked.k) ?? [])
  const usual = SLICED[task].map((name) => metricOf(task, name, asked.k) ?? name)
  const only = [...new Set([...named, ...usual])]
  return {
    by: groupTitle(asked.by),
    left,
    slices: groups.map(({ name, places }) => ({
      value: name,
      labels: places.length,
      metrics:
        places.length < asked.samplesMin
          ? null
          : measure(
              subsetOf(answers, places),
              asked.k === undefined ? { only } : { only, k: asked.k },
            ),
    })),
  }
}

/** What is told of each slice beside the metrics with limits. */
const SLICED: Readonly<Record<Task, readonly string[]>> = {
  binary: ['roc_auc', 'accuracy', 'event_rate', 'calibration_difference'],
  multiclass: ['accuracy', 'f1_macro'],
  multilabel: ['subset_accuracy', 'f1_macro'],
  regression: ['rmse', 'mae', 'me'],
  ranking: ['ndcg'],
}

function confusionOf(answers: Answers): Confusion | null {
  if (answers.task === 'binary')
    return counted(
      ['other', answers.positive],
      tableOfCounts(countsOf(answers.truths, answers.predicted)),
    )
  if (answers.task !== 'multiclass' || answers.classes.length > CLASSES_TOLD) return null
  const { classes, truths, predicted } = answers
  return counted(classes, tableOf(truths, predicted, classes.length))
}

function counted(classes: readonly string[], { size, cells }: Table): Confusion {
  return {
    classes,
    counts: classes.map((_, truth) => [...cells.subarray(truth * size, (truth + 1) * size)]),
  }
}

function reliabilityIn(answers: Answers): ReliabilityBin[] | null {
  if (answers.task !== 'binary' || answers.scores === null) return null
  if (!answers.scores.every((score) => score >= 0 && score <= 1)) return null
  return reliabilityOf(answers.truths, answers.scores)
}
