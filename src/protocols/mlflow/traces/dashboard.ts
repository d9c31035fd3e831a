import type { Static } from 'typebox'
import { Problem } from '#base/problem'
import {
  AGGREGATIONS,
  NAME_TAG,
  traceTerm,
  VIEWS,
  type Aggregation,
  type MeasureFilter,
  type Question,
} from '#traces'
import { clausesIn } from '#tracking'
import type { MlflowApp } from '../app.ts'
import { unlessEmpty } from '../translate.ts'
import type { TraceParts } from './parts.ts'
import * as messages from './messages.ts'
import { experimentsIn } from './traces.ts'

/** Points of one answer, when the question does not say. */
const POINTS_MAX = 1000

/** What dashboards ask: numbers over many traces, and how two filters go together. */
export function dashboardRoutes(app: MlflowApp, { traces }: TraceParts): void {
  app.post('/mlflow/traces/metrics', { schema: { body: messages.Measure } }, async ({ body }) => {
    const points = await traces.measure(questionIn(body))
    return unlessEmpty({
      data_points: points.map(({ metric, dimensions, values }) =>
        Object.keys(dimensions).length === 0
          ? { metric_name: metric, values }
          : { metric_name: metric, dimensions, values },
      ),
    })
  })
  app.post(
    '/mlflow/traces/calculate-filter-correlation',
    { schema: { body: messages.Correlate } },
    async ({ body }) => {
      const found = await traces.correlate({
        experimentIds: experimentsIn(body.experiment_ids),
        first: body.filter_string1,
        second: body.filter_string2,
        ...(body.base_filter ? { base: body.base_filter } : {}),
      })
      return {
        npmi: numberToWire(found.npmi),
        npmi_smoothed: numberToWire(found.smoothed),
        filter1_count: found.first,
        filter2_count: found.second,
        joint_count: found.both,
        total_count: found.all,
      }
    },
  )
}

function numberToWire(value: number): number | 'NaN' {
  return Number.isNaN(value) ? 'NaN' : value
}

function questionIn(body: Static<typeof messages.Measure>): Question {
  const limit = body.max_results ?? POINTS_MAX
  if (limit < 1) throw new Problem('invalid', `max_results is ${limit}; ask for at least 1`)
  return {
    experimentIds: experimentsIn(body.experiment_ids),
    view: named(VIEWS, body.view_type, 'view_type'),
    metric: body.metric_name,
    aggregations: body.aggregations.map(aggregationIn),
    dimensions: body.dimensions ?? [],
    filters: (body.filters ?? []).map(filterIn),
    ...(body.time_interval_seconds ? { intervalSeconds: body.time_interval_seconds } : {}),
    ...(body.start_time_ms === undefined ? {} : { fromMs: body.start_time_ms }),
    ...(body.end_time_ms === undefined ? {} : { untilMs: body.end_time_ms }),
    limit,
  }
}

function aggregationIn(wire: Static<typeof messages.Measure>['aggregations'][number]): Aggregation {
  const type = named(AGGREGATIONS, wire.aggregation_type, 'aggregation_type')
  if (type !== 'PERCENTILE') return { type }
  const { percentile_value: percentile } = wire
  if (percentile === undefined || percentile < 0 || percentile > 100)
    throw new Problem(
      'invalid',
      `percentile_value is ${percentile ?? 'missing'}; a percentile is from 0 to 100`,
    )
  return { type, percentile }
}

/** A word of a list, or its number in MLflow's protobuf, which counts from 1. */
function named<Word extends string>(words: readonly Word[], given: unknown, name: string): Word {
  const found = typeof given === 'number' ? words[given - 1] : words.find((word) => word === given)
  if (found !== undefined) return found
  throw new Problem(
    'invalid',
    `Invalid value ${JSON.stringify(given)} for parameter '${name}' supplied: it must be one of ${words.join(', ')}`,
  )
}

/** `trace.status = 'OK'`, `trace.tag.k = 'v'`, `span.name = 'x'`, `assessment.name = 'x'`. */
function filterIn(text: string): MeasureFilter {
  const [clause, ...more] = clausesIn(text)
  const { entity, key, comparator, value } = clause ?? {}
  if (clause === undefined || more.length > 0 || comparator !== '=' || value?.kind !== 'text')
    throw wrongFilter(text)
  if (entity === 'span' && (key === 'name' || key === 'status' || key === 'type'))
    return { on: 'span', column: key, value: value.text }
  if (entity === 'assessment' && (key === 'name' || key === 'type'))
    return { on: 'assessment', column: key, value: value.text }
  const pair = /^(tag|metadata)\.(.+)$/s.exec(key ?? '')
  const name = pair?.[2]?.replace(/^`(.*)`$/s, '$1') ?? ''
  const term =
    entity !== 'trace'
      ? undefined
      : key === 'status'
        ? traceTerm(null, 'status')
        : pair === null
          ? undefined
          : traceTerm(pair[1] ?? null, name === NAME_TAG ? NAME_TAG : name)
  if (term === undefined) throw wrongFilter(text)
  return { on: 'trace', condition: { field: term.field, comparator: '=', value: value.text } }
}

function wrongFilter(text: string): Problem {
  return new Problem(
    'invalid',
    `Invalid filter: ${JSON.stringify(text)}. Write one clause, such as trace.status = 'OK', trace.tag.key = 'v', span.name = 'x' or assessment.name = 'x'`,
  )
}
