import { quantilesOf, type ColumnSketch } from '#sketches'
import type { MonitorConfig } from '#projects'
import type { UsageHour } from '#usage'
import type { Cost, CountedService, Latency, RevisionService } from './verdict.ts'

/** What one revision answered within a window. */
export interface Answers {
  readonly revision: number
  readonly modelVersion: string
  readonly rows: number
  readonly latencyMs: ColumnSketch
}

/** Callers did nothing wrong. */
const FAILURES = ['fault', 'deadline', 'unavailable', 'queue-full']

/** What was told from elsewhere without a latency is logged with 0: no answer is that quick. */
export function latencyOf(sketch: ColumnSketch | undefined): Latency {
  const [p50Ms, p90Ms, p99Ms, most] =
    sketch === undefined ? [] : quantilesOf(sketch, [0.5, 0.9, 0.99, 1])
  if (p50Ms === undefined || p90Ms === undefined || p99Ms === undefined || !((most ?? 0) > 0))
    return { p50Ms: null, p90Ms: null, p99Ms: null }
  return { p50Ms, p90Ms, p99Ms }
}

/** The same with intervals: as many of the answers as chance may put on either side lie between its bounds. */
export function latencyWithIntervals(sketch: ColumnSketch): Latency {
  const latency = latencyOf(sketch)
  if (latency.p50Ms === null) return latency
  const of = (level: number): [number, number] => {
    const half = Z * Math.sqrt((level * (1 - level)) / sketch.numbers.count)
    const [low = 0, high = 0] = quantilesOf(sketch, [level - half, level + half])
    return [low, high]
  }
  return { ...latency, intervals: { p50Ms: of(0.5), p90Ms: of(0.9), p99Ms: of(0.99) } }
}

/** Standard errors on either side of what is 95 % certain. */
const Z = 1.96

export function countedOf(hours: readonly UsageHour[]): CountedService {
  const kinds = kindsIn(hours)
  const failed = sum(FAILURES.map((kind) => kinds[kind] ?? 0))
  const requests = sum(hours.map((each) => each.requests))
  const loaded = sum(hours.map((each) => each.loadedSeconds))
  const host = sum(hours.map((each) => each.hostSeconds))
  const answering = sum(hours.map((each) => each.answerSeconds))
  return {
    requests,
    failed,
    refused: sum(Object.values(kinds)) - failed,
    kinds,
    errors: ratio(failed, requests + failed),
    cpuSeconds: sum(hours.map((each) => each.cpuSeconds)),
    memoryBytes: Math.max(0, ...hours.map((each) => each.memoryBytes)),
    busy: ratio(sum(hours.map((each) => each.modelSeconds)), loaded),
    queueing: ratio(sum(hours.map((each) => each.queueSeconds)), answering),
    hostBusy: ratio(sum(hours.map((each) => each.hostBusySeconds)), host),
  }
}

/** Revisions that answered or were loaded, in their order. */
export function revisionsIn(
  answers: readonly Answers[],
  hours: readonly UsageHour[] | null,
): RevisionService[] {
  const numbers = new Set([...answers, ...(hours ?? [])].map(({ revision }) => revision))
  return [...numbers]
    .filter((revision) => revision > 0)
    .toSorted((one, other) => one - other)
    .map((revision): RevisionService => {
      const answered = answers.find((each) => each.revision === revision)
      const counted = hours?.filter((each) => each.revision === revision) ?? []
      const isCounted = counted.length > 0
      return {
        revision,
        modelVersion: answered?.modelVersion ?? counted[0]?.modelVersion ?? '',
        predictions: answered?.rows ?? 0,
        latency: latencyOf(answered?.latencyMs),
        failed: isCounted ? sum(counted.map((each) => each.failed)) : null,
        cpuSeconds: isCounted ? sum(counted.map((each) => each.cpuSeconds)) : null,
        memoryBytes: isCounted ? Math.max(...counted.map((each) => each.memoryBytes)) : null,
      }
    })
}

type CostConfig = NonNullable<NonNullable<MonitorConfig['service']>['cost']>

/** What the predictions of a window have cost; null where a price of processor time meets none that was counted. */
export function costOf(
  { per_hour: perHour = 0, per_cpu_hour: perCpuHour = 0, currency }: CostConfig,
  of: { predictions: number; hours: number; counted: CountedService | null },
): Cost | null {
  const { predictions, hours, counted } = of
  if (perCpuHour > 0 && counted === null) return null
  const cpuHours = (counted?.cpuSeconds ?? 0) / 3600
  const total = hours * perHour + cpuHours * perCpuHour
  const parts = [
    ...(perHour > 0 ? [`${digits(hours)} h at ${perHour}`] : []),
    ...(perCpuHour > 0 ? [`${digits(cpuHours)} h of processor time at ${perCpuHour}`] : []),
  ]
  return {
    total,
    perThousand: predictions === 0 ? null : (total / predictions) * 1000,
    currency: currency ?? null,
    detail: parts.join(' and '),
  }
}

function kindsIn(hours: readonly UsageHour[]): Record<string, number> {
  const kinds: Record<string, number> = {}
  for (const hour of hours)
    for (const [kind, count] of Object.entries(hour.kinds)) kinds[kind] = (kinds[kind] ?? 0) + count
  return kinds
}

function ratio(part: number, whole: number): number | null {
  return whole > 0 ? part / whole : null
}

function sum(values: readonly number[]): number {
  return values.reduce((all, each) => all + each, 0)
}

/** Three digits that count. */
function digits(value: number): string {
  return String(Number(value.toPrecision(3)))
}
