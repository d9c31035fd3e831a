import { driftOf, FALSE_DISCOVERIES, noiseFloorOf, type FeatureVerdict } from '../drift.ts'
import { emptyCounts, plus, type ColumnProfile, type Counts, type Profile } from '../profile.ts'
import { numberCounter, summaryOfCounted, type CountedNumbers } from './counting.ts'
import {
  verdictOf,
  type ColumnKind,
  type ColumnReport,
  type SideSummary,
  type StatisticReport,
} from './report.ts'
import type { Spans, SpanCounts, TableReader } from './reader.ts'
import { countsIn, isCategoricalType, isNumericType, type OnRead } from './table-profile.ts'

/** What the current rows hold of each column of a profile, by span; under null all of them. */
export interface CountedTable {
  readonly types: ReadonlyMap<string, string>
  readonly columns: ReadonlyMap<string, ReadonlyMap<number | null, CountedColumn>>
}

export interface CountedColumn {
  readonly counts: Counts
  readonly summary: SideSummary
}

/** Counts the current rows in the profile's bins: one scan for all numbers, one for each column of categories. */
export async function countedTable(
  reader: TableReader,
  profile: Profile,
  { spans, onRead }: { spans: Spans | null; onRead?: OnRead | undefined },
): Promise<CountedTable> {
  const types = new Map(reader.columns.map(({ name, type }) => [name, type]))
  const columns = new Map<string, ReadonlyMap<number | null, CountedColumn>>()
  const alike = Object.entries(profile.columns).filter(
    ([name, column]) => reasonNotToCount(column, types.get(name)) === undefined,
  )
  for (const [name, found] of await countedNumbers(reader, alike, { spans, onRead }))
    columns.set(name, found)
  for (const [name, column] of alike) {
    if (column.kind !== 'categorical') continue
    const found = await reader.counts(name, column.categories, spans)
    columns.set(name, categoriesBySpan(column, found))
    onRead?.(reader.rows)
  }
  return { types, columns }
}

/** Why a column of the current rows cannot be counted in a profile's bins; undefined where it can. */
export function reasonNotToCount(
  column: ColumnProfile,
  type: string | undefined,
): string | undefined {
  if (column.kind === 'other') return column.reason
  if (type === undefined) return 'the current rows do not have it'
  const isAlike = column.kind === 'numeric' ? isNumericType(type) : isCategoricalType(type)
  if (isAlike) return undefined
  return `its type has changed: the reference has ${column.kind === 'numeric' ? 'numbers' : 'categories'} and the current rows have ${type}`
}

async function countedNumbers(
  reader: TableReader,
  columns: readonly (readonly [string, ColumnProfile])[],
  { spans, onRead }: { spans: Spans | null; onRead?: OnRead | undefined },
): Promise<Map<string, ReadonlyMap<number | null, CountedColumn>>> {
  const numeric = columns.flatMap(([name, column]) =>
    column.kind === 'numeric' ? [{ name, counter: numberCounter(column) }] : [],
  )
  if (numeric.length === 0) return new Map()
  const names = numeric.map(({ name }) => name)
  await reader.numbers(names, spans, (some, spanNumbers) => {
    for (const [index, values] of some.entries()) numeric[index]?.counter.add(values, spanNumbers)
    onRead?.((some[0]?.length ?? 0) * names.length)
  })
  const nulls = await nullsOf(reader, numeric)
  return new Map(
    numeric.map(({ name, counter }) => [
      name,
      new Map(
        [...counter.found()].map(([span, counted]) => [
          span,
          {
            counts: counted.counts,
            summary: summaryOfCounted(counted, span === null ? nulls.get(name) : undefined),
          },
        ]),
      ),
    ]),
  )
}

/** Gaps are told from not-a-number where there is any of either; asking costs a scan. */
async function nullsOf(
  reader: TableReader,
  columns: readonly {
    name: string
    counter: { found(): ReadonlyMap<number | null, CountedNumbers> }
  }[],
): Promise<Map<string, number>> {
  const names = columns
    .filter(({ counter }) => (counter.found().get(null)?.notANumber ?? 0) > 0)
    .map(({ name }) => name)
  if (names.length === 0) return new Map()
  const nulls = await reader.nulls(names)
  return new Map(names.map((name, index) => [name, nulls[index] as number]))
}

function categoriesBySpan(
  column: Extract<ColumnProfile, { kind: 'categorical' }>,
  found: readonly SpanCounts[],
): ReadonlyMap<number | null, CountedColumn> {
  const all = found.map(countsIn).reduce(plus, emptyCounts(column))
  const spans = found.filter(({ span }) => span !== null)
  return new Map<number | null, CountedColumn>([
    ...spans.map((each): [number | null, CountedColumn] => [
      each.span,
      { counts: countsIn(each), summary: categorySummary(column, countsIn(each)) },
    ]),
    [null, { counts: all, summary: categorySummary(column, all) }],
  ])
}

function categorySummary(
  column: Extract<ColumnProfile, { kind: 'categorical' }>,
  { bins, missing }: Counts,
): SideSummary {
  const rows = bins.reduce((sum, count) => sum + count, 0) + missing
  const others = bins.at(-1) as number
  // Which of them the last bin has was not counted.
  const hasOthers = (column.counts.bins.at(-1) as number) > 0
  return {
    rows,
    missing,
    notFinite: 0,
    numbers: null,
    categories: {
      distinct: bins.filter((count) => count > 0).length,
      alone: { categories: null, rows: hasOthers ? null : others, some: [] },
    },
  }
}

/** The verdict that windows of an endpoint get, on the rows of a span of the current table or on all of them. */
export function nativeReports(
  profile: Profile,
  counted: CountedTable,
  { span, samplesMin }: { span: number | null; samplesMin: number },
): ColumnReport[] {
  const window = new Map<string, Counts>()
  for (const [name, spans] of counted.columns) {
    const counts = spans.get(span)?.counts
    if (counts !== undefined) window.set(name, counts)
  }
  const { features } = driftOf(profile, window, { samplesMin })
  const verdicts = new Map(features.map((each) => [each.feature, each]))
  return Object.entries(profile.columns).map(([name, column]) =>
    reportOf({ name, column, counted, span, verdict: verdicts.get(name) as FeatureVerdict }),
  )
}

interface Judged {
  readonly name: string
  readonly column: ColumnProfile
  readonly counted: CountedTable
  readonly span: number | null
  readonly verdict: FeatureVerdict
}

function reportOf({ name, column, counted, span, verdict }: Judged): ColumnReport {
  const type = counted.types.get(name)
  const current = counted.columns.get(name)?.get(span)
  const shared = {
    column: name,
    kind: column.kind as ColumnKind,
    types: { reference: null, current: type ?? null },
    reference: referenceSummary(column),
    current: current?.summary ?? null,
  }
  if (verdict.state === 'skipped' || column.kind === 'other' || current === undefined)
    return {
      ...shared,
      verdict: 'not-applicable',
      reason:
        reasonNotToCount(column, type) ??
        (verdict.state === 'skipped' ? verdict.reason : 'there is nothing to compare'),
      statistics: [],
    }
  return {
    ...shared,
    verdict: verdict.state,
    reason: reasonFor(verdict) ?? reasonForRare(column),
    statistics: statisticsOf(verdict, noiseFloorOf(column, current.counts)),
  }
}

type Compared = Exclude<FeatureVerdict, { state: 'skipped' }>

/** What is not to be seen from a single statistic: that it takes several of them. */
function reasonFor({ state, effect, threshold, missing, p }: Compared): string | null {
  const isLarge = effect !== null && effect > threshold
  const isMissing = missing.difference > missing.threshold
  if (state === 'drifted')
    return isMissing && !isLarge ? 'the share of missing values has changed' : null
  if (isLarge || isMissing) return 'the difference is large, and chance explains it'
  return p <= FALSE_DISCOVERIES ? 'the difference is no chance, and small' : null
}

/** What a profile's bins cannot tell. */
function reasonForRare(column: ColumnProfile): string | null {
  if (column.kind !== 'categorical') return null
  const { bins } = column.counts
  const share = (bins.at(-1) as number) / bins.reduce((sum, count) => sum + count, 0)
  return share > RARE_SHARE
    ? `${Math.round(share * 100)} % of its values are too rare to be told apart`
    : null
}

const RARE_SHARE = 0.5

function statisticsOf(verdict: Compared, noiseFloor: number): StatisticReport[] {
  const { effect, threshold, missing, p, measure, psi } = verdict
  const told = { p: null, noiseFloor: null, reason: null }
  return [
    {
      ...told,
      statistic: measure,
      value: effect,
      decidesBy: 'value',
      threshold,
      noiseFloor,
      verdict: effect === null ? 'not-applicable' : verdictOf(effect > threshold),
      reason: effect === null ? 'the current rows have no value of it' : null,
    },
    {
      ...told,
      statistic: 'missing-share-difference',
      value: missing.difference,
      decidesBy: 'value',
      threshold: missing.threshold,
      verdict: verdictOf(missing.difference > missing.threshold),
    },
    {
      ...told,
      statistic: 'chi-square',
      value: null,
      p,
      decidesBy: 'p',
      threshold: FALSE_DISCOVERIES,
      verdict: verdictOf(p <= FALSE_DISCOVERIES),
    },
    ...(psi === null
      ? []
      : [
          {
            ...told,
            statistic: 'psi',
            value: psi,
            decidesBy: 'none' as const,
            threshold: null,
            verdict: 'not-applicable' as const,
            reason: 'it is told and decides nothing',
          },
        ]),
  ]
}

function referenceSummary(column: ColumnProfile): SideSummary | null {
  if (column.kind === 'other') return null
  const { bins, missing } = column.counts
  const rows = bins.reduce((sum, count) => sum + count, 0) + missing
  if (column.kind === 'categorical') return categorySummary(column, column.counts)
  const { min, max, mean, std } = column
  return { rows, missing, notFinite: null, numbers: { min, max, mean, std }, categories: null }
}
