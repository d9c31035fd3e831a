import type { ColumnProfile, Histogram } from '#tables'
import type { Row, Session } from '../engine.ts'
import type { Leaf } from './leaves.ts'

/** What a sample says of a column. */
export interface OfSample {
  readonly distinct: number | null
  readonly quantiles: ColumnProfile['quantiles']
  readonly histogram: Histogram | null
  readonly top: ColumnProfile['top']
}

/** A column of the sample, and between which values all rows lie. */
export interface SampledLeaf extends Leaf {
  readonly low: string | null
  readonly high: string | null
}

const SHARES = [0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99]
const BINS = 20
const TOP_VALUES = 10
const SHOWN_CHARS = 200

/** The statistics of the temporary table `sampled`. */
export async function sampleStatistics(
  session: Session,
  leaves: readonly SampledLeaf[],
): Promise<{ rows: number; columns: OfSample[] }> {
  const ask = (text: string) => session.rows({ parts: [text], values: [] })
  const parts = leaves.flatMap((leaf, at) => {
    const all = [`count(${leaf.value}) as known${at}`]
    if (leaf.kind !== 'struct') all.push(`count(distinct ${leaf.value}) as distinct${at}`)
    const x = scaleOf(leaf)
    if (x === undefined) return all
    const [low, high] = [fixed(leaf, leaf.low), fixed(leaf, leaf.high)]
    // Of halves, as the difference of two numbers may be too large to be one.
    const width = `nullif(${high} / 2 - ${low} / 2, 0)`
    const bin = `least(floor((${x} / 2 - ${low} / 2) / ${width} * ${BINS}), ${BINS - 1})::integer`
    const shares = `quantile_cont(${x}, [${SHARES.join(', ')}])`
    all.push(`${shares} as quantiles${at}`)
    if (leaf.low !== null)
      all.push(`map_entries(histogram(coalesce(${bin}, 0)) filter (${x} is not null)) as bins${at}`)
    return all
  })
  const [row = {}] = await ask(`select ${['count(*) as n', ...parts].join(', ')} from sampled`)
  const columns: OfSample[] = []
  for (const [at, leaf] of leaves.entries())
    columns.push({
      distinct: row[`distinct${at}`] === undefined ? null : Number(row[`distinct${at}`]),
      quantiles: quantilesOf(leaf, row[`quantiles${at}`]),
      histogram: histogramOf(leaf, row[`bins${at}`]),
      // Where no value comes twice, none is frequent.
      top: row[`distinct${at}`] === row[`known${at}`] ? [] : await topOf(ask, leaf),
    })
  return { rows: Number(row['n']), columns }
}

/** A value as a place on a line; undefined for what has none. */
function scaleOf({ value, kind, isFloat }: SampledLeaf): string | undefined {
  if (kind === 'time') return `epoch_us(${value}::timestamp)::double`
  if (kind !== 'number') return undefined
  return isFloat ? `(case when isfinite(${value}) then ${value} end)::double` : `${value}::double`
}

function fixed({ kind }: SampledLeaf, value: string | null): string {
  const quoted = `'${(value ?? '').replaceAll("'", "''")}'`
  return kind === 'time'
    ? `epoch_us(${quoted}::timestamptz::timestamp)::double`
    : `${quoted}::double`
}

function quantilesOf(leaf: SampledLeaf, found: unknown): OfSample['quantiles'] {
  if (!Array.isArray(found)) return []
  return SHARES.map((share, index) => ({ share, value: shown(leaf, Number(found[index])) }))
}

function histogramOf(leaf: SampledLeaf, found: unknown): Histogram | null {
  if (!Array.isArray(found)) return null
  const counts = Array.from({ length: BINS }, () => 0)
  for (const { key, value } of found as { key: unknown; value: unknown }[])
    counts[Math.max(0, Number(key))] = Number(value)
  const number = (value: string | null) => (leaf.kind === 'time' ? (value ?? '') : Number(value))
  return { from: number(leaf.low), to: number(leaf.high), counts }
}

function shown({ kind, type }: SampledLeaf, value: number): number | string {
  if (kind !== 'time') return value
  const iso = new Date(value / 1000).toISOString()
  return type === 'DATE' ? iso.slice(0, 10) : iso.replace('.000Z', 'Z')
}

async function topOf(
  ask: (text: string) => Promise<Row[]>,
  { value, kind }: SampledLeaf,
): Promise<OfSample['top']> {
  if (!['number', 'text', 'boolean', 'time'].includes(kind)) return []
  const rows = await ask(
    `select left(${value}::varchar, ${SHOWN_CHARS}) as value, count(*) as count from sampled
      where ${value} is not null group by ${value} order by 2 desc, 1 limit ${TOP_VALUES}`,
  )
  return rows.map((row) => ({ value: String(row['value']), count: Number(row['count']) }))
}
