import { anomalyOf } from './anomalies.ts'
import { columnsOf } from './contract.ts'
import type { Check, Example } from './report.ts'
import { isWithin, limitInWords, type Limit, type Rule, type Test } from './rule.ts'
import type { Measured } from './store.ts'

/** Tests whose number is a number of rows that break them. */
const ABOUT_ROWS: ReadonlySet<Test['kind']> = new Set([
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
  'reference',
])

export function isAboutRows(test: Test): boolean {
  return ABOUT_ROWS.has(test.kind)
}

/** What a rule's number means. */
export function judge(
  rule: Rule,
  measured: Measured,
  { dataset, rows }: { dataset: string; rows: number },
): Check {
  const { test, limit } = rule
  const base = {
    id: rule.id,
    dataset,
    kind: test.kind,
    columns: columnsOf(test),
    severity: rule.severity,
    expected: expectedOf(test, limit),
    description: rule.description ?? null,
    examples: [],
  }
  if (measured.kind === 'impossible')
    return {
      ...base,
      outcome: 'skipped',
      observed: null,
      failures: null,
      share: null,
      anomaly: null,
      message: `${subject(dataset, test)}: not checked, ${measured.reason}`,
    }
  const { value } = measured
  const aboutRows = isAboutRows(test)
  // Of no rows, none is wrong: an empty dataset keeps every rule about rows.
  const share = rows === 0 ? 0 : value / rows
  const observed = limit.unit === 'percent' && aboutRows ? 100 * share : value
  const good = isWithin(limit, observed)
  return {
    ...base,
    outcome: good ? 'passed' : 'failed',
    observed,
    failures: aboutRows ? value : null,
    share: aboutRows ? share : null,
    anomaly: good
      ? null
      : anomalyOf(test, { side: sideOf(test, limit, observed), isNumber: isNumeric(test) }),
    message: messageOf({ rule, dataset, rows }, value, good),
  }
}

/** A failed check with rows that show it. */
export function withExamples(check: Check, examples: readonly Example[]): Check {
  return { ...check, examples }
}

function sideOf(test: Test, limit: Limit, observed: number): 'low' | 'high' | undefined {
  if (test.kind === 'range') {
    const { min, exclusiveMin, max, exclusiveMax } = test.bounds
    if (max === undefined && exclusiveMax === undefined) return 'low'
    return min === undefined && exclusiveMin === undefined ? 'high' : undefined
  }
  if (test.kind === 'length') return test.max === undefined ? 'low' : 'high'
  if ('low' in limit)
    return limit.operator === 'between' ? (observed <= limit.low ? 'low' : 'high') : undefined
  return observed < limit.value || limit.operator === '>' ? 'low' : 'high'
}

function isNumeric(test: Test): boolean {
  return test.kind === 'set' && test.values.every((value) => typeof value === 'number')
}

function expectedOf(test: Test, limit: Limit): string {
  const what = WHAT[test.kind](test as never)
  if (limit.operator === '=' && limit.value === 0 && isAboutRows(test)) return what.strict
  return `${what.measure} must ${limitInWords(limit)}`
}

interface Words {
  /** What holds when no row breaks the test. */
  readonly strict: string
  /** What is counted. */
  readonly measure: string
}

const rowsWith = (strict: string, bad: string): Words => ({ strict, measure: bad })
const only = (measure: string): Words => ({ strict: measure, measure })

const WHAT: { readonly [K in Test['kind']]: (test: Extract<Test, { kind: K }>) => Words } = {
  column: () => only('the column must be there; missing columns'),
  'other-columns': () => only('columns that the contract does not name'),
  type: ({ type }) => rowsWith(`values of type ${type}`, `values that are not of type ${type}`),
  nulls: () => rowsWith('no nulls', 'nulls'),
  missing: ({ values }) => {
    const list = ['null', ...values.map((value) => JSON.stringify(value))].join(', ')
    return rowsWith(`none of ${list}`, `missing values (${list})`)
  },
  set: ({ values }) => {
    const list = shortList(values)
    return rowsWith(`one of ${list}`, `values other than ${list}`)
  },
  pattern: ({ pattern }) => rowsWith(`matches ${pattern}`, `values that do not match ${pattern}`),
  range: ({ bounds }) => {
    const words = boundsInWords(bounds)
    return rowsWith(words, `values not ${words}`)
  },
  length: ({ of, min, max }) => {
    const unit = of === 'text' ? 'characters' : 'items'
    const words = `${boundsInWords({ ...(min === undefined ? {} : { min }), ...(max === undefined ? {} : { max }) })} ${unit}`
    return rowsWith(words, `values not of ${words}`)
  },
  multiple: ({ of }) => rowsWith(`a multiple of ${of}`, `values that are no multiple of ${of}`),
  nan: () => rowsWith('no NaN', 'NaN'),
  infinite: () => rowsWith('no infinity', 'infinities'),
  duplicates: () => rowsWith('unique', 'rows that repeat an earlier one'),
  reference: ({ dataset, to }) =>
    rowsWith(
      `in ${to.map((column) => `${dataset}.${column}`).join(', ')}`,
      `rows without one in ${dataset}`,
    ),
  rows: () => only('rows'),
  distinct: () => only('different values'),
  age: ({ of }) => only(`seconds since the ${of} value`),
  sql: () => only("the query's answer"),
  drift: ({ method, reference }) => only(`${method} from ${reference}`),
}

function boundsInWords(bounds: Extract<Test, { kind: 'range' }>['bounds']): string {
  const { min, max, exclusiveMin, exclusiveMax } = bounds
  const parts = [
    ...(min === undefined ? [] : [`≥ ${min}`]),
    ...(exclusiveMin === undefined ? [] : [`> ${exclusiveMin}`]),
    ...(max === undefined ? [] : [`≤ ${max}`]),
    ...(exclusiveMax === undefined ? [] : [`< ${exclusiveMax}`]),
  ]
  return parts.join(' and ')
}

const SHOWN_VALUES = 8

function shortList(values: readonly unknown[]): string {
  const shown = values.slice(0, SHOWN_VALUES).map((value) => JSON.stringify(value))
  const more = values.length - shown.length
  return more > 0 ? `${shown.join(', ')} and ${more} more` : shown.join(', ')
}

function subject(dataset: string, test: Test): string {
  const columns = columnsOf(test)
  return columns.length === 0 ? dataset : `${dataset}.${columns.join(' + ')}`
}

function messageOf(
  { rule, dataset, rows }: { rule: Rule; dataset: string; rows: number },
  value: number,
  good: boolean,
): string {
  const { test, limit } = rule
  const about = subject(dataset, test)
  const expected = expectedOf(test, limit)
  if (good) return `${about}: ${expected}`
  if (test.kind === 'column') return `${about}: the column is missing`
  if (test.kind === 'other-columns') return `${dataset}: ${value} columns are not in the contract`
  if (!isAboutRows(test)) return `${about}: ${expected}, and is ${shortNumber(value)}`
  const share = rows === 0 ? 0 : (100 * value) / rows
  return `${about}: ${value} of ${rows} rows (${shortNumber(share)} %) break it: ${expected}`
}

function shortNumber(value: number): string {
  return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(4)))
}
