import { Problem } from '#base/problem'
import type { ColumnProfile, Profile } from '../profile.ts'
import { evidentlyJudged, type Judged } from './evidently.ts'
import { countedTable, nativeReports } from './native.ts'
import { kindOf, reasonNotToJudge, summariesOf, type Pair } from './pair.ts'
import { pairsOf, type PairRequest } from './pairs.ts'
import type { PairReader, Spans, TableReader } from './reader.ts'
import {
  spanReport,
  type ColumnReport,
  type DriftReport,
  type Preset,
  type StatisticReport,
  type WindowReport,
} from './report.ts'
import { statisticReport } from './statistics.ts'
import { tableProfile, type OnRead } from './table-profile.ts'
import { wholeReport, type WholeReport } from '../together/index.ts'
import { tfdvJudged } from './tfdv.ts'

export interface DriftRequest {
  readonly preset: Preset
  /** Only these columns; undefined for all. */
  readonly columns?: readonly string[] | undefined
  /** Statistics by name: told beside the verdict by the native rules, asked instead of its choice by Evidently's. */
  readonly statistics: readonly string[]
  /** The current rows are judged by spans too. */
  readonly spans: Spans | null
  /** From this part of drifted columns on the data as a whole has drifted; undefined for the preset's. */
  readonly shareMax?: number | undefined
  /** All columns are looked at together too, and texts and lists of numbers. */
  readonly multivariate?: boolean | undefined
  /** Fewer rows than this are not judged by the native preset. */
  readonly samplesMin: number
  /** How much is done, from 0 to 1. */
  readonly onProgress?: ((share: number) => void) | undefined
}

/** From which part of its columns on data has drifted: what monitors take, what Evidently takes, any anomaly. */
const SHARES: Readonly<Record<Preset, number>> = { native: 0.3, evidently: 0.5, tfdv: 0 }

/** The reports on columns, by span; under null those on all current rows. */
type Reports = (span: number | null) => ColumnReport[]

/** Compares two tables. */
export async function compareTables(
  reader: PairReader,
  request: DriftRequest,
): Promise<DriftReport> {
  const { reference, current } = reader
  const columns = chosenColumns(request, [reference, current])
  const passes = request.preset === 'native' && request.statistics.length > 0 ? 2 : 1
  const onRead = progressOf(request, passes * columns.length * (reference.rows + current.rows))
  const sizes = await spanSizes(current, request)
  const wanted =
    request.spans === null ? null : { spans: request.spans, numbers: [...sizes.keys()] }
  const at = { columns, wanted, onRead }
  const reports =
    request.preset === 'native'
      ? await judgedByCounts(reader, request, at)
      : await judgedByValues(reader, request, at)
  const names = reference.columns.map(({ name }) => name)
  const multivariate = request.multivariate === true ? await wholesCompared(reader, columns) : null
  return assembled(reports, {
    multivariate,
    request,
    sizes,
    current,
    reference: { name: reference.name, rows: reference.rows, columns: names },
  })
}

/** Compares a table with a profile that was made before. */
export async function compareWithProfile(
  current: TableReader,
  { name, profile }: { name: string; profile: Profile },
  request: DriftRequest,
): Promise<DriftReport> {
  if (request.preset !== 'native' || request.statistics.length > 0)
    throw new Problem(
      'invalid',
      `${name} is a profile and holds counts, where ${request.preset === 'native' ? '--statistic' : `--preset ${request.preset}`} takes values; name the data itself as the reference, or leave that out`,
    )
  const known = Object.keys(profile.columns)
  if (request.multivariate === true)
    throw new Problem(
      'invalid',
      `${name} is a profile and holds no rows, which --multivariate looks at; name the data itself as the reference, or leave that out`,
    )
  assertAll(request.columns ?? [], known, name)
  const chosen = request.columns ?? known.filter((column) => column !== request.spans?.column)
  const columns = Object.fromEntries(
    chosen.map((column) => [column, profile.columns[column] as ColumnProfile]),
  )
  const onRead = progressOf(request, Object.keys(columns).length * current.rows)
  const sizes = await spanSizes(current, request)
  const reports = await againstProfile(current, {
    profile: { ...profile, columns },
    request,
    onRead,
  })
  const reference = { name, rows: profile.rows, columns: known }
  return assembled(reports, { request, sizes, current, reference, multivariate: null })
}

/** The native rules: the reference's profile, and the current rows counted in its bins. */
async function judgedByCounts(
  reader: PairReader,
  request: DriftRequest,
  at: PairRequest,
): Promise<Reports> {
  const { reference, current } = reader
  const spans = reference.columns.some(({ name }) => name === request.spans?.column)
    ? request.spans
    : null
  const profile = await tableProfile(reference, { ...at, spans })
  const reports = await againstProfile(current, { profile, request, onRead: at.onRead })
  const told = await toldStatistics(reader, request, at)
  const types = new Map(reference.columns.map(({ name, type }) => [name, type]))
  return (span) =>
    reports(span).map((report): ColumnReport => {
      const { column, verdict, statistics } = report
      const type = types.get(column) ?? null
      const more = verdict === 'not-applicable' ? [] : (told.get(column)?.get(span) ?? [])
      return Object.assign(report, {
        types: { ...report.types, reference: type },
        statistics: withTold(statistics, more),
      })
    })
}

/** What was asked for by name says more than what is told anyway. */
function withTold(
  own: readonly StatisticReport[],
  told: readonly StatisticReport[],
): StatisticReport[] {
  const names = new Set(told.map(({ statistic }) => statistic))
  const kept = own.filter(
    ({ statistic, decidesBy }) => decidesBy !== 'none' || !names.has(statistic),
  )
  return [
    ...kept,
    ...told.filter(({ statistic }) => !kept.some((each) => each.statistic === statistic)),
  ]
}

async function againstProfile(
  current: TableReader,
  { profile, request, onRead }: { profile: Profile; request: DriftRequest; onRead: OnRead },
): Promise<Reports> {
  const { samplesMin, spans } = request
  const counted = await countedTable(current, profile, { spans, onRead })
  return (span) => nativeReports(profile, counted, { span, samplesMin })
}

type Told = ReadonlyMap<string, ReadonlyMap<number | null, readonly StatisticReport[]>>

/** Statistics that were asked for by name beside the native verdict. */
async function toldStatistics(
  reader: PairReader,
  { statistics }: DriftRequest,
  at: PairRequest,
): Promise<Told> {
  const told = new Map<string, ReadonlyMap<number | null, readonly StatisticReport[]>>()
  if (statistics.length === 0) return told
  const of = (pair: Pair): StatisticReport[] => {
    if (pair.kind === 'incomparable' || reasonNotToJudge(pair) !== undefined) return []
    const looked =
      pair.kind === 'numeric'
        ? {
            kind: pair.kind,
            one: pair.samples.reference,
            other: pair.samples.current,
            integers: false,
          }
        : {
            kind: pair.kind,
            one: Array.from(pair.tally.reference),
            other: Array.from(pair.tally.current),
          }
    return statistics.map((name) => statisticReport(name, looked, 'native'))
  }
  for await (const { column, bySpan } of pairsOf(reader, at))
    told.set(column, new Map([...bySpan].map(([span, pair]) => [span, of(pair)])))
  return told
}

/** Presets that compare values and not counts. */
async function judgedByValues(
  reader: PairReader,
  { preset, statistics }: DriftRequest,
  at: PairRequest,
): Promise<Reports> {
  if (preset === 'tfdv' && statistics.length > 0)
    throw new Problem(
      'invalid',
      'the tfdv rules have one comparator for numbers and one for strings; leave --statistic out, or take --preset native',
    )
  const reports = new Map<string, ReadonlyMap<number | null, ColumnReport>>()
  for await (const { column, bySpan } of pairsOf(reader, at)) {
    const judged = (pair: Pair) =>
      reportOf(pair, preset === 'tfdv' ? tfdvJudged(pair) : evidentlyJudged(pair, statistics))
    reports.set(column, new Map([...bySpan].map(([span, pair]) => [span, judged(pair)])))
  }
  return (span) =>
    at.columns.map((column) => {
      const own = reports.get(column)
      return (own?.get(span) ?? own?.get(null)) as ColumnReport
    })
}

function reportOf(pair: Pair, judged: Judged): ColumnReport {
  const { column, types } = pair
  const shared = { column, types, kind: kindOf(pair), ...summariesOf(pair) }
  if ('reason' in judged)
    return { ...shared, verdict: 'not-applicable', reason: judged.reason, statistics: [] }
  const { statistics } = judged
  const verdicts = new Set(statistics.map(({ verdict }) => verdict))
  const verdict = (['drifted', 'steady'] as const).find((each) => verdicts.has(each))
  return { ...shared, verdict: verdict ?? 'not-applicable', reason: null, statistics }
}

function assembled(
  reports: Reports,
  at: {
    request: DriftRequest
    sizes: ReadonlyMap<number, number>
    current: TableReader
    reference: { name: string; rows: number; columns: readonly string[] }
    multivariate: WholeReport | null
  },
): DriftReport {
  const { request, sizes, current, reference, multivariate } = at
  const { spans, preset, shareMax = SHARES[preset] } = request
  const own = current.columns.map(({ name }) => name)
  const windows = [...sizes].map(([span, rows]): WindowReport =>
    Object.assign(spanReport(reports(span), shareMax), {
      from: timeOf(span * (spans as Spans).sizeMs),
      to: timeOf((span + 1) * (spans as Spans).sizeMs),
      rows,
    }),
  )
  return {
    version: 1,
    preset,
    reference: { name: reference.name, rows: reference.rows },
    current: { name: current.name, rows: current.rows },
    only: {
      reference: reference.columns.filter((name) => !own.includes(name)),
      current: own.filter((name) => !reference.columns.includes(name)),
    },
    ...spanReport(reports(null), shareMax),
    windows: spans === null ? null : windows,
    multivariate,
  }
}

/** Rows of each side that are looked at as wholes, and the seed that they are drawn from. */
const SAMPLED = { rows: 5000, seed: 1 }

/** Columns of both sides, in rows. */
async function wholesCompared(
  { reference, current }: PairReader,
  columns: readonly string[],
): Promise<WholeReport> {
  const both = columns.filter((column) =>
    [reference, current].every((side) => side.columns.some(({ name }) => name === column)),
  )
  const rows = await reference.sample(both, SAMPLED)
  return wholeReport(rows, await current.sample(both, SAMPLED), SAMPLED.seed)
}

/** Times beyond what a date can say stay numbers. */
function timeOf(ms: number): string {
  return Math.abs(ms) <= 8.64e15 ? new Date(ms).toISOString() : String(ms)
}

/** Windows beyond this many are no overview; each is judged by itself. */
const WINDOWS_MAX = 1000

/** The spans that the current rows lie in, in the order of time, with their numbers of rows. */
async function spanSizes(
  current: TableReader,
  { spans }: DriftRequest,
): Promise<ReadonlyMap<number, number>> {
  if (spans === null) return new Map()
  const sizes = await current.spans(spans)
  if (sizes.size > WINDOWS_MAX)
    throw new Problem(
      'invalid',
      `${current.name} spans ${sizes.size} windows of that length, and more than ${WINDOWS_MAX} are not judged; give a longer --window`,
    )
  if (sizes.size === 0)
    throw new Problem('invalid', `${spans.column} of ${current.name} holds no time`)
  return new Map([...sizes].toSorted(([one], [other]) => one - other))
}

/** The columns that are compared: those of one side too, so that nothing is passed over. */
function chosenColumns(
  { columns, spans }: DriftRequest,
  [reference, current]: readonly [TableReader, TableReader],
): string[] {
  const all = [...new Set([...reference.columns, ...current.columns].map(({ name }) => name))]
  assertAll(columns ?? [], all, `${reference.name} and ${current.name}`)
  return columns === undefined
    ? all.filter((name) => name !== spans?.column)
    : [...new Set(columns)]
}

function assertAll(wanted: readonly string[], known: readonly string[], where: string): void {
  const absent = wanted.filter((column) => !known.includes(column))
  if (absent.length > 0)
    throw new Problem(
      'not-found',
      `no column ${absent.join(', ')} is in ${where}; there are ${known.join(', ')}`,
    )
}

function progressOf({ onProgress }: DriftRequest, values: number): OnRead {
  let done = 0
  return (count) => {
    done += count
    onProgress?.(Math.min(1, done / Math.max(1, values)))
  }
}
