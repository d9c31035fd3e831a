import { Problem } from '#base/problem'
import type { TraceCondition } from './filter/terms.ts'
import { TIME_MS_MAX } from './trace.ts'

/** What dashboards ask: numbers over many traces, by time and by kind. */
export const VIEWS = ['TRACES', 'SPANS', 'ASSESSMENTS'] as const
export type View = (typeof VIEWS)[number]
export const AGGREGATIONS = ['COUNT', 'SUM', 'AVG', 'MIN', 'MAX', 'PERCENTILE'] as const

export interface Aggregation {
  readonly type: (typeof AGGREGATIONS)[number]
  /** From 0 to 100, of a percentile. */
  readonly percentile?: number
}

export interface Question {
  readonly experimentIds: readonly string[]
  readonly view: View
  readonly metric: string
  readonly aggregations: readonly Aggregation[]
  readonly dimensions: readonly string[]
  readonly filters: readonly MeasureFilter[]
  readonly intervalSeconds?: number
  readonly fromMs?: number
  readonly untilMs?: number
  readonly limit: number
}

/** A condition on what is counted; on a trace it may also be asked of its spans and assessments. */
export type MeasureFilter =
  | { readonly on: 'trace'; readonly condition: TraceCondition }
  | {
      readonly on: 'span' | 'assessment'
      readonly column: 'name' | 'type' | 'status'
      readonly value: string
    }

/** What the store is asked for: each row with the number, its groups and its time. */
export interface Measurement {
  readonly experimentIds: readonly string[]
  readonly view: View
  readonly metric: string
  readonly dimensions: readonly string[]
  readonly filters: readonly MeasureFilter[]
  readonly fromMs?: number
  readonly untilMs?: number
}

export interface MeasuredRow {
  readonly atMs: number
  /** Null counts only where rows are counted. */
  readonly value: number | null
  readonly dimensions: readonly string[]
  /** Of a count of distinct ones: which one. */
  readonly of: string | null
}

export interface DataPoint {
  readonly metric: string
  readonly dimensions: Readonly<Record<string, string>>
  readonly values: Readonly<Record<string, number>>
}

interface Metric {
  readonly aggregations: readonly Aggregation['type'][]
  readonly dimensions: readonly string[]
}

const NUMBERS = ['SUM', 'AVG', 'MIN', 'MAX', 'PERCENTILE'] as const
const LATENCIES = ['AVG', 'MIN', 'MAX', 'PERCENTILE'] as const
const MODEL = ['span_model_name', 'span_model_provider']
const tokens: Metric = { aggregations: NUMBERS, dimensions: ['trace_name'] }
const cost: Metric = { aggregations: NUMBERS, dimensions: MODEL }

const METRICS: Readonly<Record<View, Readonly<Record<string, Metric>>>> = {
  TRACES: {
    trace_count: { aggregations: ['COUNT'], dimensions: ['trace_name', 'trace_status'] },
    session_count: { aggregations: ['COUNT'], dimensions: [] },
    latency: { aggregations: LATENCIES, dimensions: ['trace_name'] },
    input_tokens: tokens,
    output_tokens: tokens,
    total_tokens: tokens,
    cache_read_input_tokens: tokens,
    cache_creation_input_tokens: tokens,
  },
  SPANS: {
    span_count: {
      aggregations: ['COUNT'],
      dimensions: ['span_name', 'span_type', 'span_status', ...MODEL],
    },
    latency: { aggregations: LATENCIES, dimensions: ['span_name', 'span_status'] },
    input_cost: cost,
    output_cost: cost,
    total_cost: cost,
  },
  ASSESSMENTS: {
    assessment_count: {
      aggregations: ['COUNT'],
      dimensions: ['assessment_name', 'assessment_value'],
    },
    assessment_value: { aggregations: LATENCIES, dimensions: ['assessment_name'] },
  },
}

/** Throws `invalid` for a question that has no answer. */
export function assertQuestion(question: Question): void {
  const { view, metric, aggregations, dimensions, intervalSeconds, fromMs, untilMs } = question
  const known = METRICS[view]
  const asked = Object.hasOwn(known, metric) ? known[metric] : undefined
  if (asked === undefined)
    throw new Problem(
      'invalid',
      `metric_name must be one of ${Object.keys(known).join(', ')}, got ${JSON.stringify(metric)}`,
    )
  const wrong = aggregations.find(({ type }) => !asked.aggregations.includes(type))
  if (wrong !== undefined)
    throw new Problem(
      'invalid',
      `Found invalid aggregation_type ${wrong.type}: ${metric} takes ${asked.aggregations.join(', ')}`,
    )
  const other = dimensions.find((dimension) => !asked.dimensions.includes(dimension))
  if (other !== undefined)
    throw new Problem(
      'invalid',
      `Found invalid dimension ${JSON.stringify(other)}: ${metric} has ${asked.dimensions.join(', ') || 'none'}`,
    )
  for (const ms of [fromMs, untilMs])
    if (ms !== undefined && Math.abs(ms) > TIME_MS_MAX)
      throw new Problem('invalid', `${ms} is no time; tell milliseconds since 1970`)
  if (intervalSeconds !== undefined && (fromMs === undefined || untilMs === undefined))
    throw new Problem(
      'invalid',
      'start_time_ms and end_time_ms are required if time_interval_seconds is set',
    )
}

/** The answer, from all rows that it is about. */
export function dataPoints(question: Question, rows: readonly MeasuredRow[]): DataPoint[] {
  const { intervalSeconds, dimensions, aggregations, metric, limit } = question
  const names = [...(intervalSeconds === undefined ? [] : ['time_bucket']), ...dimensions]
  const groups = new Map<string, { key: (string | number)[]; rows: MeasuredRow[] }>()
  for (const row of rows) {
    const key = [
      ...(intervalSeconds === undefined ? [] : [bucketOf(row.atMs, intervalSeconds)]),
      ...row.dimensions,
    ]
    const name = JSON.stringify(key)
    const group = groups.get(name)
    if (group === undefined) groups.set(name, { key, rows: [row] })
    else group.rows.push(row)
  }
  return [...groups.values()]
    .toSorted((a, b) => compared(a.key, b.key))
    .slice(0, limit)
    .flatMap((group) => {
      const values = valuesOf(aggregations, group.rows)
      if (Object.keys(values).length === 0) return []
      const told = group.key.map((part) => (typeof part === 'number' ? isoOf(part) : part))
      return [
        {
          metric,
          values,
          dimensions: Object.fromEntries(names.map((name, i) => [name, told[i] ?? ''])),
        },
      ]
    })
}

function bucketOf(atMs: number, intervalSeconds: number): number {
  const size = intervalSeconds * 1000
  return Math.floor(atMs / size) * size
}

/** As Python tells a time of UTC. */
function isoOf(ms: number): string {
  const [whole = '', rest = ''] = new Date(ms).toISOString().split('.')
  return `${whole}${rest.startsWith('000') ? '' : `.${rest.slice(0, 3)}000`}+00:00`
}

function compared(a: readonly (string | number)[], b: readonly (string | number)[]): number {
  for (const [index, left] of a.entries()) {
    const right = b[index] as string | number
    if (left !== right) return left < right ? -1 : 1
  }
  return 0
}

function valuesOf(
  aggregations: readonly Aggregation[],
  rows: readonly MeasuredRow[],
): Record<string, number> {
  const numbers = rows.flatMap(({ value }) => (value === null ? [] : [value]))
  const sorted = aggregations.some(({ type }) => type === 'PERCENTILE')
    ? numbers.toSorted((a, b) => a - b)
    : numbers
  return Object.fromEntries(
    aggregations.flatMap(({ type, percentile = 50 }): [string, number][] => {
      if (type === 'COUNT') return [[type, countOf(rows)]]
      if (numbers.length === 0) return []
      const sum = () => numbers.reduce((total, value) => total + value, 0)
      switch (type) {
        case 'SUM':
          return [[type, sum()]]
        case 'AVG':
          return [[type, sum() / numbers.length]]
        case 'MIN':
          return [[type, numbers.reduce((least, value) => Math.min(least, value))]]
        case 'MAX':
          return [[type, numbers.reduce((most, value) => Math.max(most, value))]]
        case 'PERCENTILE':
        default:
          return [[`P${percentileName(percentile)}`, quantileOf(sorted, percentile / 100)]]
      }
    }),
  )
}

function countOf(rows: readonly MeasuredRow[]): number {
  const [first] = rows
  return first?.of == null ? rows.length : new Set(rows.map((row) => row.of)).size
}

function percentileName(percentile: number): string {
  return Number.isInteger(percentile) ? `${percentile}.0` : String(percentile)
}

/** Between the two nearest values, in proportion. */
function quantileOf(sorted: readonly number[], share: number): number {
  const place = Math.min(1, Math.max(0, share)) * (sorted.length - 1)
  const below = sorted[Math.floor(place)] ?? Number.NaN
  const above = sorted[Math.ceil(place)] ?? below
  return below + (above - below) * (place - Math.floor(place))
}
