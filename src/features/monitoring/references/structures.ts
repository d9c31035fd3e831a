import type { MonitorConfig } from '#projects'
import type { PredictionQueries } from '#serving'
import { learnStructure, thinned, type Structure, type TimedRow } from '#drift'
import { timingOf } from '../windows/plan.ts'
import { pastSpans, type Compared } from './past.ts'
import { isNamed } from './columns.ts'
import type { NamedReferences } from './named.ts'
import type { Cut, References } from './reference.ts'

/** How columns of a reference hang together, or why that is not known. */
export type KnownStructure =
  | {
      readonly state: 'known'
      readonly structure: Structure
      /** Rows of the reference, evenly over it and the same ones each time. */
      sample(count: number): Promise<readonly TimedRow[]>
    }
  | { readonly state: 'unknown'; readonly reason: string }

/** Rows that a structure is learnt from. */
const LEARNT_MAX = 20_000

/** The time that it takes grows with the cube of the columns, and the windows of others wait meanwhile. */
const COLUMNS_MAX = 300

/** Structures that are kept, so that a window of most endpoints asks nobody for rows. */
const KEPT_MAX = 1000

export function createStructures(dependencies: {
  references: Pick<References, 'sample'>
  named: Pick<NamedReferences, 'sample'>
  predictions: Pick<PredictionQueries, 'window'>
  cutOf: (monitor: MonitorConfig) => Cut
}): (endpoint: string, compared: Compared) => Promise<KnownStructure> {
  const { references, named, predictions, cutOf } = dependencies
  const kept = new Map<string, Structure>()
  const sampler = (endpoint: string, compared: Compared) => {
    const { reference } = compared.monitor
    if (isNamed(reference))
      return (count: number) => named.sample(endpoint, { ...compared, reference }, count)
    const spans = pastSpans(compared)
    if (spans === undefined)
      return (count: number) => references.sample(compared.version, cutOf(compared.monitor), count)
    return (count: number) => pastRows(predictions, { endpoint, spans, count })
  }
  return async (endpoint, compared) => {
    const { monitor, version } = compared
    const { window, reference = 'training' } = monitor
    const place = pastSpans(compared) ?? reference
    const key = JSON.stringify([endpoint, version, place, window.size, window.by])
    const sample = sampler(endpoint, compared)
    const known = kept.get(key)
    if (known !== undefined) return { state: 'known', structure: known, sample }
    const rows = await sample(LEARNT_MAX)
    const columns = new Set(rows.flatMap(({ values }) => Object.keys(values))).size
    if (columns > COLUMNS_MAX)
      return {
        state: 'unknown',
        reason: `the reference has ${columns} columns; of more than ${COLUMNS_MAX} it is not looked at how they hang together`,
      }
    const structure = learnStructure(rows, { windowMs: timingOf(monitor).sizeMs })
    if (structure === undefined)
      return {
        state: 'unknown',
        reason: `the reference has ${rows.length} rows, too few to tell how columns hang together`,
      }
    kept.set(key, structure)
    for (const oldest of kept.keys()) if (kept.size > KEPT_MAX) kept.delete(oldest)
    return { state: 'known', structure, sample }
  }
}

/** Spans are looked at in so many places: a prime, so that they lie at any hour of the day. */
const PLACES = 101

/** Rows of spans of the endpoint's past, evenly over them, without reading all of them. */
async function pastRows(
  predictions: Pick<PredictionQueries, 'window'>,
  of: {
    endpoint: string
    spans: readonly { fromMs: number; toMs: number }[]
    count: number
  },
): Promise<TimedRow[]> {
  const { endpoint, spans, count } = of
  const places = Math.ceil(PLACES / spans.length)
  const limit = Math.ceil(count / (places * spans.length))
  const found: TimedRow[] = []
  for (const { fromMs, toMs } of spans)
    for (let place = 0; place < places; place++) {
      const at = (each: number) => Math.floor(fromMs + ((toMs - fromMs) * each) / places)
      const { rows } = await predictions.window(endpoint, {
        fromMs: at(place),
        toMs: at(place + 1),
        role: 'live',
        limit,
      })
      found.push(...rows.map(({ eventMs, inputs }) => ({ atMs: eventMs, values: inputs })))
    }
  return [...thinned(found, count)]
}
