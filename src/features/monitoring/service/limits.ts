import { judgedLimit, type JudgedLimit, type Limit } from '#performance'
import type { MonitorConfig } from '#projects'
import { wilson } from '#statistics'
import type { ServiceVerdict } from './verdict.ts'

type ServiceConfig = NonNullable<MonitorConfig['service']>
type Measured = Omit<ServiceVerdict, 'limits'>
type Value = Pick<JudgedLimit, 'value' | 'ciLow' | 'ciHigh'>

const MB = 1024 * 1024

/** What is asked of an endpoint, held against how it answered. */
export function serviceLimits(
  measured: Measured,
  config: ServiceConfig,
  samplesMin: number,
): JudgedLimit[] {
  const { counted } = measured
  const asked = (counted?.requests ?? 0) + (counted?.failed ?? 0)
  return limitsIn(config).map((limit) => {
    const isOfRequests = limit.metric === 'errors'
    const isOfAnswers = limit.metric.endsWith('_ms') || limit.metric === 'cost_per_1000'
    const samples = isOfRequests ? asked : measured.predictions
    const needs = isOfRequests || isOfAnswers ? samplesMin : 0
    const tooFew = samples < needs ? `${samples} are fewer than ${needs}` : undefined
    const value = valueOf(limit.metric, measured)
    return judgedLimit(limit, value, { of: null, labels: samples, tooFew })
  })
}

/** The limits that a configuration sets, as those of other metrics. */
export function limitsIn(config: ServiceConfig): Limit[] {
  const most = ['p50_ms', 'p90_ms', 'p99_ms', 'errors', 'memory_mb', 'busy', 'host_busy'] as const
  const { min_rps: min, max_rps: max, cost_per_1000: cost } = config
  return [
    ...most.flatMap((metric) => {
      const bound = config[metric]
      return bound === undefined ? [] : [{ metric, max: bound }]
    }),
    ...(min === undefined && max === undefined
      ? []
      : [
          {
            metric: 'rps',
            ...(min === undefined ? {} : { min }),
            ...(max === undefined ? {} : { max }),
          },
        ]),
    ...(cost === undefined ? [] : [{ metric: 'cost_per_1000', max: cost }]),
  ]
}

function valueOf(metric: string, { latency, counted, perSecond, cost }: Measured): Value {
  switch (metric) {
    case 'p50_ms':
      return { value: latency.p50Ms, ...interval(latency.intervals?.p50Ms) }
    case 'p90_ms':
      return { value: latency.p90Ms, ...interval(latency.intervals?.p90Ms) }
    case 'p99_ms':
      return { value: latency.p99Ms, ...interval(latency.intervals?.p99Ms) }
    case 'errors':
      return errorsIn(counted)
    case 'memory_mb':
      return plain(counted === null ? null : counted.memoryBytes / MB)
    case 'busy':
      return plain(counted?.busy ?? null)
    case 'host_busy':
      return plain(counted?.hostBusy ?? null)
    case 'rps':
      return plain(perSecond)
    default:
      return plain(cost?.perThousand ?? null)
  }
}

function errorsIn(counted: Measured['counted']): Value {
  if (counted === null || counted.errors === null) return plain(null)
  const { low, high } = wilson(counted.failed, counted.requests + counted.failed)
  return { value: counted.errors, ciLow: low, ciHigh: high }
}

function plain(value: number | null): Value {
  return { value, ciLow: null, ciHigh: null }
}

function interval(bounds: readonly [number, number] | undefined) {
  return { ciLow: bounds?.[0] ?? null, ciHigh: bounds?.[1] ?? null }
}
