import { Problem } from '#base/problem'
import type { Profile } from '../profile.ts'
import { evidentlyStatistics, type Judged } from './evidently.ts'
import { countedTable, nativeReports } from './native.ts'
import { sampleOf } from './numbers.ts'
import { kindOf, summariesOf, type Pair, type SideCounts } from './pair.ts'
import type { PairReader, Spans, TableReader } from './reader.ts'
import {
  spanReport,
  type ColumnReport,
  type DriftReport,
  type Preset,
  type SpanReport,
  type WindowReport,
} from './report.ts'
import {
  finiteOf,
  groupsOf,
  heldNumbers,
  isCategoricalType,
  isNumericType,
  tableProfile,
  type OnRead,
} from './table-profile.ts'

export interface DriftRequest {
  readonly preset: Preset
  /** Only these columns; undefined for all that both have. */
  readonly columns?: readonly string[] | undefined
  readonly spans: Spans | null
  /** From this part of drifted columns on the data as a whole has drifted; undefined for the preset's. */
  readonly shareMax?: number | undefined
  /** Fewer rows than this are not judged by the native preset. */
  readonly samplesMin: number
  /** How much is done, from 0 to 1. */
  readonly onProgress?: ((share: number) => void) | undefined
}

/** From which part of its columns on data has drifted: what monitors take, what Evidently takes, any anomaly. */
const SHARES: Readonly<Record<Preset, number>> = { native: 0.3, evidently: 0.5, tfdv: 0 }

/** Compares two tables. */
export async function compareTables(
  reader: PairReader,
  request: DriftRequest,
): Promise<DriftReport> {
  const { reference, current } = reader
  if (request.preset !== 'native') return judgedByValues(reader, request)
  const columns = chosenColumns(request, [reference, current])
  const values = columns.length * (reference.rows + current.rows)
  const onRead = progressOf(request, values)
  const spans = spansIn(reference, request.spans)
  const profile = await tableProfile(reference, { columns, spans, onRead })
  const report = await againstProfile(current, { profile, request, onRead })
  const types = new Map(reference.columns.map(({ name, type }) => [name, type]))
  return {
    ...mapped(report, (column) => ({
      ...column,
      types: { ...column.types, reference: types.get(column.column) ?? null },
    })),
    reference: { name: reference.name, rows: reference.rows },
    only: onlyIn(reference, current),
  }
}

/** Compares a table with a profile that was made before. */
export async function compareWithProfile(
  current: TableReader,
  { name, profile }: { name: string; profile: Profile },
  request: DriftRequest,
): Promise<DriftReport> {
  if (request.preset !== 'native')
    throw new Problem(
      'invalid',
      `${request.preset} compares values, and ${name} is a profile that holds counts; name the data itself, or take --preset native`,
    )
  const wanted = request.columns
  assertAll(wanted ?? [], Object.keys(profile.columns), name)
  const columns = Object.fromEntries(
    Object.entries(profile.columns).filter(([column]) => wanted?.includes(column) ?? true),
  )
  const onRead = progressOf(request, Object.keys(columns).length * current.rows)
  const report = await againstProfile(current, {
    profile: { ...profile, columns },
    request,
    onRead,
  })
  const known = new Set(Object.keys(profile.columns))
  const own = current.columns.map((column) => column.name)
  return {
    ...report,
    reference: { name, rows: profile.rows },
    only: {
      reference: [...known].filter((column) => !own.includes(column)),
      current: own.filter((column) => !known.has(column)),
    },
  }
}

async function againstProfile(
  current: TableReader,
  { profile, request, onRead }: { profile: Profile; request: DriftRequest; onRead: OnRead },
): Promise<DriftReport> {
  const counted = await countedTable(current, profile, { spans: request.spans, onRead })
  const { samplesMin, preset } = request
  const at = (span: number | null) =>
    spanReport(nativeReports(profile, counted, { span, samplesMin }), shareOf(request))
  const numbers = new Set([...counted.columns.values()].flatMap((each) => [...each.keys()]))
  return {
    version: 1,
    preset,
    reference: { name: '', rows: profile.rows },
    current: { name: current.name, rows: current.rows },
    only: { reference: [], current: [] },
    ...at(null),
    windows: request.spans === null ? null : windowsOf(numbers, request.spans, (span) => at(span)),
  }
}

/** Windows in the order of time, with what was found in each. */
function windowsOf(
  numbers: Iterable<number | null>,
  { sizeMs }: Spans,
  at: (span: number) => SpanReport,
): WindowReport[] {
  return [...numbers]
    .filter((span) => span !== null)
    .toSorted((one, other) => one - other)
    .map((span) => {
      const found = at(span)
      return {
        from: new Date(span * sizeMs).toISOString(),
        to: new Date((span + 1) * sizeMs).toISOString(),
        rows: Math.max(0, ...found.columns.map(({ current }) => current?.rows ?? 0)),
        ...found,
      }
    })
}

/** Presets that compare values: column by column, so that few of them are held at a time. */
async function judgedByValues(reader: PairReader, request: DriftRequest): Promise<DriftReport> {
  const { reference, current } = reader
  const columns = chosenColumns(request, [reference, current])
  const onRead = progressOf(request, columns.length * (reference.rows + current.rows))
  const reports = new Map<string, ColumnReport>()
  for await (const pair of pairsOf(reader, columns, onRead))
    reports.set(pair.column, reportOf(pair, evidentlyStatistics(pair)))
  return {
    version: 1,
    preset: request.preset,
    reference: { name: reference.name, rows: reference.rows },
    current: { name: current.name, rows: current.rows },
    only: onlyIn(reference, current),
    ...spanReport(
      columns.map((column) => reports.get(column) as ColumnReport),
      shareOf(request),
    ),
    windows: null,
  }
}

function reportOf(pair: Pair, judged: Judged): ColumnReport {
  const { column, types } = pair
  const shared = { column, types, kind: kindOf(pair), ...summariesOf(pair) }
  if ('reason' in judged)
    return { ...shared, verdict: 'not-applicable', reason: judged.reason, statistics: [] }
  const { statistics } = judged
  const hasDrifted = statistics.some(({ verdict }) => verdict === 'drifted')
  return { ...shared, verdict: hasDrifted ? 'drifted' : 'steady', reason: null, statistics }
}

async function* pairsOf(
  reader: PairReader,
  columns: readonly string[],
  onRead: OnRead,
): AsyncGenerator<Pair> {
  const { reference, current } = reader
  const types = (side: TableReader) =>
    new Map(side.columns.map(({ name, type }) => [name, type] as const))
  const [one, other] = [types(reference), types(current)]
  const bothAre = (column: string, is: (type: string) => boolean) =>
    is(one.get(column) ?? '') && is(other.get(column) ?? '')
  const numeric = columns.filter((column) => bothAre(column, isNumericType))
  for (const group of groupsOf(numeric, reference.rows + current.rows))
    yield* numericPairs(reader, group, onRead)
  for (const column of columns.filter((each) => !numeric.includes(each))) {
    const typed = {
      column,
      types: { reference: one.get(column) ?? null, current: other.get(column) ?? null },
    }
    if (bothAre(column, isCategoricalType)) yield await categoricalPair(reader, typed)
    else
      yield {
        ...typed,
        kind: 'incomparable',
        reason: reasonNotToCompare(typed.types),
        reference: { rows: reference.rows, missing: 0, notFinite: 0 },
        current: { rows: current.rows, missing: 0, notFinite: 0 },
      }
    onRead(reference.rows + current.rows)
  }
}

async function* numericPairs(
  { reference, current }: PairReader,
  columns: readonly string[],
  onRead: OnRead,
): AsyncGenerator<Pair> {
  const one = await heldNumbers(reference, { columns, spans: null, onRead })
  const other = await heldNumbers(current, { columns, spans: null, onRead })
  const typeIn = (side: TableReader, column: string) =>
    side.columns.find(({ name }) => name === column)?.type ?? null
  for (const column of columns) {
    const sides = { reference: one.get(column)?.values, current: other.get(column)?.values }
    one.delete(column)
    other.delete(column)
    const finite = {
      reference: finiteOf(sides.reference as Float64Array),
      current: finiteOf(sides.current as Float64Array),
    }
    yield {
      kind: 'numeric',
      column,
      types: { reference: typeIn(reference, column), current: typeIn(current, column) },
      reference: await gapsOf(reference, column, sides.reference as Float64Array),
      current: await gapsOf(current, column, sides.current as Float64Array),
      samples: { reference: sampleOf(finite.reference), current: sampleOf(finite.current) },
    }
  }
}

/** Gaps are told from not-a-number where there is any of either; asking costs a scan. */
async function gapsOf(
  reader: TableReader,
  column: string,
  values: Float64Array,
): Promise<SideCounts> {
  let notANumber = 0
  let infinite = 0
  for (let index = 0; index < values.length; index++) {
    const value = values[index] as number
    if (value - value === 0) continue
    if (Number.isNaN(value)) notANumber++
    else infinite++
  }
  const missing = notANumber === 0 ? 0 : ((await reader.nulls([column]))[0] as number)
  return { rows: values.length, missing, notFinite: notANumber - missing + infinite }
}

async function categoricalPair(
  reader: PairReader,
  typed: { column: string; types: Pair['types'] },
): Promise<Pair> {
  const tally = await reader.tally(typed.column, null)
  const gaps = (side: TableReader, counts: Float64Array): SideCounts => {
    const values = counts.reduce((all, each) => all + each, 0)
    return { rows: side.rows, missing: side.rows - values, notFinite: 0 }
  }
  return {
    ...typed,
    kind: 'categorical',
    reference: gaps(reader.reference, tally.reference),
    current: gaps(reader.current, tally.current),
    tally,
  }
}

function reasonNotToCompare({ reference, current }: Pair['types']): string {
  if (reference === null) return 'the reference does not have it'
  if (current === null) return 'the current rows do not have it'
  return reference === current
    ? `no statistic is for its type, ${reference}`
    : `its type has changed: ${reference} in the reference, ${current} in the current rows`
}

function shareOf({ preset, shareMax }: DriftRequest): number {
  return shareMax ?? SHARES[preset]
}

/** The columns that are compared: those of both sides, and those of one too, so that nothing is passed over. */
function chosenColumns(
  { columns, spans }: DriftRequest,
  [reference, current]: readonly [TableReader, TableReader],
): string[] {
  const all = [...new Set([...reference.columns, ...current.columns].map((column) => column.name))]
  assertAll(columns ?? [], all, `${reference.name} and ${current.name}`)
  return columns === undefined
    ? all.filter((name) => name !== spans?.column)
    : [...new Set(columns)]
}

function assertAll(wanted: readonly string[], known: readonly string[], where: string): void {
  const absent = wanted.filter((column) => !known.includes(column))
  if (absent.length > 0)
    throw new Problem(
      'invalid',
      `${where} ${where.includes(' and ') ? 'have' : 'has'} no column ${absent.join(', ')}; there are ${known.join(', ')}`,
    )
}

/** The reference need not have the time by which the current rows are told apart. */
function spansIn(reader: TableReader, spans: Spans | null): Spans | null {
  return reader.columns.some(({ name }) => name === spans?.column) ? spans : null
}

function onlyIn(reference: TableReader, current: TableReader): DriftReport['only'] {
  const names = (side: TableReader) => side.columns.map(({ name }) => name)
  const [one, other] = [names(reference), names(current)]
  return {
    reference: one.filter((name) => !other.includes(name)),
    current: other.filter((name) => !one.includes(name)),
  }
}

function mapped(report: DriftReport, change: (column: ColumnReport) => ColumnReport): DriftReport {
  const windows = report.windows?.map((each) => ({ ...each, columns: each.columns.map(change) }))
  return { ...report, columns: report.columns.map(change), windows: windows ?? null }
}

function progressOf({ onProgress }: DriftRequest, values: number): OnRead {
  let done = 0
  return (count) => {
    done += count
    onProgress?.(Math.min(1, done / Math.max(1, values)))
  }
}
