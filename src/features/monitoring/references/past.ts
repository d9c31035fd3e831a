import { versionName } from '#inference'
import type { MonitorConfig } from '#projects'
import type { HourProfile, PredictionQueries } from '#serving'
import { timingOf } from '../windows/plan.ts'
import type { KnownReference } from './reference.ts'
import { isNamed, namedProblems } from './columns.ts'
import { referenceOfSpan } from '../spans/reference.ts'

interface Span {
  readonly fromMs: number
  readonly toMs: number
}

/** What a window of a version is to be compared with. */
export interface Compared {
  readonly monitor: MonitorConfig
  readonly version: { readonly model: string; readonly version: number }
  readonly span: Span
}

const HOUR_MS = 3_600_000
const WEEK_MS = 7 * 24 * HOUR_MS

/** Weeks whose same day, or same hour of the day, say how it is then. */
const WEEKS = 6

/**
 * References that are the endpoint's own past, where its monitor asks for one: a period, the window before, or the same
 * window of the weeks before. Undefined where it asks for what the model was trained on.
 */
export function pastReferences(
  predictions: Pick<PredictionQueries, 'profiles' | 'summaries'>,
): (endpoint: string, compared: Compared) => Promise<KnownReference> | undefined {
  const hoursIn = async (endpoint: string, spans: readonly Span[]): Promise<HourProfile[]> => {
    const found: HourProfile[] = []
    for (const span of spans)
      for await (const hour of predictions.profiles(endpoint, span)) found.push(hour)
    return found
  }
  const known = async (
    endpoint: string,
    { monitor, version }: Compared,
    spans: readonly Span[],
  ) => {
    const windowMs = timingOf(monitor).sizeMs
    if (windowMs % HOUR_MS !== 0)
      return {
        state: 'unknown',
        reason: 'only windows of whole hours are compared with the past; training data is for any',
      } as const
    const modelVersion = versionName(version)
    const hours = await hoursIn(endpoint, spans)
    const reference = referenceOfSpan(hours, { modelVersion, windowMs })
    if (reference !== undefined) return { state: 'known', reference } as const
    const [first] = spans
    const from = new Date(first?.fromMs ?? 0).toISOString()
    return {
      state: 'unknown',
      reason: `nobody asked in what it is compared with, from ${from} on`,
    } as const
  }
  const periods = periodsKept(predictions)
  return (endpoint, compared) => {
    const spans = pastSpans(compared)
    if (spans === undefined) return undefined
    const make = () => known(endpoint, compared, spans)
    return typeof compared.monitor.reference === 'object'
      ? periods(endpoint, { compared, span: spans[0] as Span }, make)
      : make()
  }
}

/** Periods that are kept: what most of a server's endpoints are compared with, in some ten megabytes. */
const PERIODS_MAX = 200

/** A period is the same for each window, and costly to make: it is made again when there is more of it. */
function periodsKept(predictions: Pick<PredictionQueries, 'summaries'>) {
  const kept = new Map<
    string,
    { readonly counted: number; readonly made: Promise<KnownReference> }
  >()
  return async (
    endpoint: string,
    { compared: { monitor, version }, span }: { compared: Compared; span: Span },
    make: () => Promise<KnownReference>,
  ): Promise<KnownReference> => {
    const key = JSON.stringify([endpoint, version, span, monitor.window.size])
    const summaries = await predictions.summaries(endpoint, { ...span, per: 'month' })
    const counted = summaries.reduce((all, each) => all + each.predictions, 0)
    const known = kept.get(key)
    kept.delete(key)
    const made = known?.counted === counted ? known.made : make()
    kept.set(key, { counted, made })
    for (const oldest of kept.keys()) if (kept.size > PERIODS_MAX) kept.delete(oldest)
    made.catch(() => kept.delete(key))
    return made
  }
}

/** What is wrong with a period that windows are to be compared with. */
export function referenceProblems(reference: MonitorConfig['reference']): string[] {
  if (reference === undefined || typeof reference === 'string') return []
  if ('data' in reference) return namedProblems(reference)
  const { from, to } = reference
  const no = [from, to].find((each) => Number.isNaN(Date.parse(each)))
  if (no !== undefined) return [`${no} is no day; write one as 2013-01-31`]
  return Date.parse(from) < Date.parse(to)
    ? []
    : [`the period ends (${to}) before it begins (${from})`]
}

/** The spans of the past that a window is compared with, in the order of time; undefined where it is none. */
export function pastSpans({ monitor, span: { fromMs, toMs } }: Compared): Span[] | undefined {
  const { reference = 'training' } = monitor
  const sizeMs = toMs - fromMs
  if (reference === 'training' || isNamed(reference)) return undefined
  if (reference === 'previous') return [{ fromMs: fromMs - sizeMs, toMs: fromMs }]
  if (reference === 'same-weekday')
    return Array.from({ length: WEEKS }, (_, index) => (WEEKS - index) * WEEK_MS).map((ago) => ({
      fromMs: fromMs - ago,
      toMs: toMs - ago,
    }))
  return [{ fromMs: Date.parse(reference.from), toMs: Date.parse(reference.to) }]
}
