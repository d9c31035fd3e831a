import type { Logged } from '#inference'
import {
  amountOf,
  amountOutput,
  classNameOf,
  classOf,
  classOutput,
  listOf,
  numbersIn,
  scoreOf,
} from './outputs.ts'
import type { AnsweredRow, Answers, Roles, Task } from './tasks.ts'

/** The rows that can be measured, by columns. Rows without a truth, or without an answer that can be read, are left out. */
export function answersOf(rows: readonly AnsweredRow[], task: Task, roles: Roles): Answers {
  return READERS[task](rows, roles)
}

const READERS: Readonly<Record<Task, (rows: readonly AnsweredRow[], roles: Roles) => Answers>> = {
  binary: binaryOf,
  multiclass: multiclassOf,
  multilabel: multilabelOf,
  regression: regressionOf,
  ranking: rankingOf,
}

/** A threshold between two classes, when none is said. */
const HALF = 0.5

function binaryOf(rows: readonly AnsweredRow[], roles: Roles): Answers {
  const positive = positiveOf(rows, roles)
  const found = rows.map(({ outputs, label }) => {
    const truth = classNameOf(label)
    const score = binaryScore(outputs, roles, positive)
    const said = saidClass(outputs, roles)
    if (truth === undefined || (score === undefined && said === undefined)) return undefined
    const byScore = Number((score ?? 0) >= (roles.threshold ?? HALF))
    const takesSaid = said !== undefined && (roles.threshold === undefined || score === undefined)
    return {
      truth: Number(truth === positive),
      score,
      predicted: takesSaid ? Number(said === positive) : byScore,
    }
  })
  const { kept, values } = known(found)
  const isScored = values.every(({ score }) => score !== undefined)
  return {
    task: 'binary',
    rows: kept,
    positive,
    truths: Uint8Array.from(values, ({ truth }) => truth),
    predicted: Uint8Array.from(values, ({ predicted }) => predicted),
    scores: isScored ? Float64Array.from(values, ({ score }) => score ?? Number.NaN) : null,
  }
}

/** The class that is the event: the one that is said, else 1, else the last in order, as scikit-learn has it. */
function positiveOf(rows: readonly AnsweredRow[], { positive, classes }: Roles): string {
  if (positive !== undefined) return String(classNameOf(positive))
  if (classes?.length === 2) return String(classNameOf(classes[1]))
  const names = new Set(rows.flatMap(({ label }) => classNameOf(label) ?? []))
  if ([...names].every((each) => classOf(each) !== undefined)) return '1'
  return inOrder(names).at(-1) ?? '1'
}

function binaryScore(
  outputs: AnsweredRow['outputs'],
  { probabilities, prediction }: Roles,
  positive: string,
): number | undefined {
  if (typeof probabilities === 'object') return amountOf(outputs[probabilities[positive] ?? ''])
  if (probabilities !== undefined)
    return numbersIn(outputs, probabilities)?.at(-1) ?? amountOf(outputs[probabilities])
  if (prediction === undefined) return finite(scoreOf(outputs))
  const { [prediction]: said, ...others } = outputs
  return finite(scoreOf(others)) ?? (typeof said === 'number' ? finite(said) : undefined)
}

/** The class that an answer names beside its score; a whole number alone is its score as well. */
function saidClass(outputs: AnsweredRow['outputs'], { prediction }: Roles): string | undefined {
  const named = classOutput(outputs, prediction)
  return named !== undefined && prediction !== undefined && !Number.isInteger(Number(named))
    ? textOnly(named)
    : named
}

/** A fraction is no class. */
function textOnly(named: string): string | undefined {
  return Number.isNaN(Number(named)) ? named : undefined
}

function finite(value: number | undefined): number | undefined {
  return value !== undefined && Number.isFinite(value) ? value : undefined
}

function multiclassOf(rows: readonly AnsweredRow[], roles: Roles): Answers {
  const found = rows.map(({ outputs, label }) => {
    const truth = classNameOf(label)
    const given = probabilitiesOf(outputs, roles)
    const said = classOutput(outputs, roles.prediction)
    if (truth === undefined || (given === undefined && said === undefined)) return undefined
    return { truth, given, said }
  })
  const { kept, values } = known(found)
  const width = Math.max(0, ...new Set(values.map(({ given }) => given?.length ?? 0)))
  const isGiven = width > 0 && values.every(({ given }) => given?.length === width)
  const order = isGiven ? orderOf(values, width, roles) : undefined
  const others = new Set(
    values.flatMap(({ truth, said }) => (said === undefined ? [truth] : [truth, said])),
  )
  const classes = [...new Set([...(order ?? []), ...inOrder(others)])]
  const places = new Map(classes.map((name, place) => [name, place]))
  const predicted = values.map(({ said, given }) =>
    said === undefined ? largest(given ?? []) : (places.get(said) ?? 0),
  )
  return {
    task: 'multiclass',
    rows: kept,
    classes,
    truths: Int32Array.from(values, ({ truth }) => places.get(truth) ?? 0),
    predicted: Int32Array.from(predicted),
    probabilities:
      order === undefined ? null : Float64Array.from(values.flatMap(({ given }) => given ?? [])),
    width: order === undefined ? 0 : width,
  }
}

function probabilitiesOf(
  outputs: AnsweredRow['outputs'],
  { probabilities }: Roles,
): readonly number[] | undefined {
  if (typeof probabilities !== 'object') return numbersIn(outputs, probabilities)
  const given = Object.values(probabilities).map((column) => amountOf(outputs[column]))
  return given.every((each) => each !== undefined) ? given : undefined
}

interface Said {
  readonly truth: string
  readonly given: readonly number[] | undefined
  readonly said: string | undefined
}

/**
 * Which class each probability is of: as said; else the class that is named where it is the largest; else the
 * classes in order, when all of them have been seen or they are counted from 0.
 */
function orderOf(
  values: readonly Said[],
  width: number,
  { classes, probabilities }: Roles,
): string[] | undefined {
  if (typeof probabilities === 'object') return Object.keys(probabilities)
  if (classes?.length === width) return classes.map((each) => String(classNameOf(each)))
  const names = new Set(
    values.flatMap(({ truth, said }) => (said === undefined ? [truth] : [truth, said])),
  )
  if (names.size === width) return inOrder(names)
  const isCounted = [...names].every(
    (name) => Number.isInteger(Number(name)) && Number(name) >= 0 && Number(name) < width,
  )
  if (isCounted) return Array.from({ length: width }, (_, place) => String(place))
  return names.size < width ? byLargest(values, width) : undefined
}

/** A class is at the place where its probability is the largest; places that never were have no name. */
function byLargest(values: readonly Said[], width: number): string[] | undefined {
  const order = Array.from({ length: width }, (_, place) => `(class ${place})`)
  for (const { given, said } of values) if (said !== undefined) order[largest(given ?? [])] = said
  const isWhole = new Set(order).size === width
  const truths = new Set(values.map(({ truth }) => truth))
  return isWhole && [...truths].every((each) => order.includes(each)) ? order : undefined
}

function multilabelOf(rows: readonly AnsweredRow[], roles: Roles): Answers {
  const found = rows.map(({ outputs, label }) => {
    const truth = listOf(label)
    const lists = Object.entries(outputs).map(([name, value]) => [name, listOf(value)] as const)
    const scores = lists.find(([name, list]) => isScores(name, list, roles))?.[1]
    const said = lists.find(([name, list]) => isSaid(name, list, roles))?.[1] ?? undefined
    if (truth === undefined || (scores === undefined && said === undefined)) return undefined
    return { truth, scores: scores as readonly number[] | undefined, said }
  })
  const { kept, values } = known(found)
  const width = values.find(({ scores }) => scores !== undefined)?.scores?.length
  const labels = labelsOf(values, width, roles)
  const isScored = values.every(({ scores }) => scores?.length === labels.length)
  const threshold = roles.threshold ?? HALF
  const has = (list: readonly Logged[]) => indicators(list, labels)
  return {
    task: 'multilabel',
    rows: kept,
    labels,
    truths: Uint8Array.from(values.flatMap(({ truth }) => has(truth))),
    predicted: Uint8Array.from(
      values.flatMap(({ said, scores }) =>
        said === undefined
          ? labels.map((_, place) => Number((scores?.[place] ?? 0) >= threshold))
          : has(said),
      ),
    ),
    scores: isScored ? Float64Array.from(values.flatMap(({ scores }) => scores ?? [])) : null,
  }
}

function isScores(name: string, list: readonly Logged[] | undefined, roles: Roles): boolean {
  if (typeof roles.probabilities === 'string') return name === roles.probabilities
  if (list === undefined || name === roles.prediction) return false
  return (
    list.length > 0 &&
    list.every((each) => typeof each === 'number') &&
    list.some((each) => each !== 0 && each !== 1)
  )
}

function isSaid(name: string, list: readonly Logged[] | undefined, roles: Roles): boolean {
  if (roles.prediction !== undefined) return name === roles.prediction
  return list !== undefined && !isScores(name, list, roles)
}

function labelsOf(
  values: readonly { truth: readonly Logged[]; said: readonly Logged[] | undefined }[],
  width: number | undefined,
  { classes }: Roles,
): string[] {
  if (classes !== undefined) return classes.map((each) => String(classNameOf(each)))
  const lists = values.flatMap(({ truth, said }) => (said === undefined ? [truth] : [truth, said]))
  const length = width ?? lists[0]?.length ?? 0
  const isTable = lists.every((list) => list.length === length && list.every(isFlag))
  if (isTable) return Array.from({ length }, (_, place) => String(place))
  return inOrder(new Set(lists.flat().flatMap((each) => classNameOf(each) ?? [])))
}

/** A list of labels, or of 0 and 1 for each label, as the latter. */
function indicators(list: readonly Logged[], labels: readonly string[]): number[] {
  if (list.length === labels.length && list.every(isFlag)) return list.map(Number)
  const names = new Set(list.map((each) => classNameOf(each)))
  return labels.map((label) => Number(names.has(label)))
}

function isFlag(value: Logged): boolean {
  return value === 0 || value === 1 || typeof value === 'boolean'
}

function regressionOf(rows: readonly AnsweredRow[], { prediction }: Roles): Answers {
  const found = rows.map(({ outputs, label }) => {
    const truth = amountOf(label)
    const said = amountOutput(outputs, prediction)
    return truth === undefined || said === undefined ? undefined : { truth, said }
  })
  const { kept, values } = known(found)
  return {
    task: 'regression',
    rows: kept,
    truths: Float64Array.from(values, ({ truth }) => truth),
    predicted: Float64Array.from(values, ({ said }) => said),
  }
}

function rankingOf(rows: readonly AnsweredRow[], { group, prediction }: Roles): Answers {
  const numbers = new Map<string, number>()
  const found = rows.map(({ inputs, outputs, label, key }) => {
    const name = group === undefined || group === 'key' ? key : inputs[group]
    const truth = amountOf(label)
    const score = amountOutput(outputs, prediction)
    if (name === undefined || name === null || truth === undefined || score === undefined)
      return undefined
    const text = String(name)
    const number = numbers.get(text) ?? numbers.size
    numbers.set(text, number)
    return { number, truth, score }
  })
  const { kept, values } = known(found)
  return {
    task: 'ranking',
    rows: kept,
    groups: Int32Array.from(values, ({ number }) => number),
    truths: Float64Array.from(values, ({ truth }) => truth),
    scores: Float64Array.from(values, ({ score }) => score),
  }
}

/** What could be read, and of which rows. */
function known<T>(found: readonly (T | undefined)[]): { kept: Uint32Array; values: T[] } {
  const values: T[] = []
  const kept: number[] = []
  for (const [row, value] of found.entries()) {
    if (value === undefined) continue
    kept.push(row)
    values.push(value)
  }
  return { kept: Uint32Array.from(kept), values }
}

function largest(values: readonly number[]): number {
  let most = 0
  for (const [place, value] of values.entries()) if (value > (values[most] as number)) most = place
  return most
}

/** Numbers by their size, else texts by their letters. */
function inOrder(names: ReadonlySet<string>): string[] {
  const all = [...names]
  return all.every((name) => Number.isFinite(Number(name)))
    ? all.toSorted((one, other) => Number(one) - Number(other))
    : all.toSorted((one, other) => (one < other ? -1 : 1))
}
