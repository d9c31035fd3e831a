import { messageOf } from '#base/problem'
import { PROFILE_VERSION, type ColumnProfile, type Table, type TableProfile } from '#tables'
import type { Row, Session } from '../engine.ts'
import type { Sql } from '../sql.ts'
import { leavesOf, type Leaf } from './leaves.ts'
import { unreadable, withTable, type OpenedTable } from './relation.ts'
import { sampleStatistics, type OfSample, type SampledLeaf } from './sample.ts'

/** Of more rows than these, some stand for all in quantiles, histograms and top values. */
const ALL_ROWS = 65_536
const SAMPLE_ROWS = 32_768

/** Columns of one scan; a table with more is scanned again, so that memory stays flat. */
const SCAN_COLUMNS = 250

/** The profile of a table: one scan for what must see every row, and another of a sample for the rest. */
export async function profileTable(session: Session, table: Table): Promise<TableProfile> {
  return withTable(session, table, async (opened) => {
    try {
      const leaves = await leavesOf(session, opened.from)
      const columns: ColumnProfile[] = []
      let rows = 0
      let sampledRows = 0
      for (let at = 0; at < Math.max(leaves.length, 1); at += SCAN_COLUMNS) {
        const part = leaves.slice(at, at + SCAN_COLUMNS)
        const found = await scanned(session, opened.from, part)
        rows = Number(found['n'])
        const sample = await sampled(session, { opened, leaves: part, rows, found })
        sampledRows = sample.rows
        const isAll = sampledRows === rows
        columns.push(
          ...part.map((leaf, index) =>
            columnOf(leaf, {
              row: found,
              index,
              rows,
              isAll,
              of: sample.columns[index] as OfSample,
            }),
          ),
        )
      }
      const { files, sizeBytes } = table
      return {
        version: PROFILE_VERSION,
        rows,
        files: files.length,
        sizeBytes,
        sampledRows,
        columns,
      }
    } catch (error) {
      throw unreadable(table, error)
    }
  })
}

/** What every row has to say. Values that are not finite would end the computation, so they are left out where there are any. */
async function scanned(session: Session, from: Sql, leaves: readonly Leaf[]): Promise<Row> {
  const scan = async (isGuarded: boolean): Promise<Row> => {
    const parts = leaves.flatMap((leaf, index) => ofEveryRow(leaf, index, isGuarded))
    const text = `select ${['count(*) as n', ...parts].join(', ')} from ${from.parts[0]}`
    return (await session.rows({ parts: [text], values: [] }))[0] ?? {}
  }
  try {
    const row = await scan(false)
    const isWild = leaves.some(
      ({ isFloat }, at) => isFloat && [row[`min${at}`], row[`max${at}`]].some(isNotFinite),
    )
    return isWild ? await scan(true) : row
  } catch (error) {
    if (!/out of range/i.test(messageOf(error))) throw error
    return scan(true)
  }
}

function isNotFinite(value: unknown): boolean {
  return typeof value === 'string' && /^(?:nan|-?inf)/i.test(value)
}

function ofEveryRow({ value, kind, isFloat }: Leaf, at: number, isGuarded: boolean): string[] {
  const all = [`count(${value}) as known${at}`]
  // Of structs and of binaries the order says nothing to people.
  if (['number', 'text', 'time', 'boolean'].includes(kind))
    all.push(`min(${value})::varchar as min${at}`, `max(${value})::varchar as max${at}`)
  if (kind !== 'boolean' && kind !== 'struct')
    all.push(`approx_count_distinct(${value}) as distinct${at}`)
  if (kind === 'boolean') all.push(`count_if(${value}) as trues${at}`)
  if (kind === 'number') {
    const finite = isFloat && isGuarded ? `case when isfinite(${value}) then ${value} end` : value
    all.push(`avg(${finite})::double as mean${at}`, `stddev_samp(${finite})::double as std${at}`)
    if (isFloat && isGuarded)
      all.push(
        `count_if(not isfinite(${value})) as wild${at}`,
        `min(${finite})::varchar as low${at}`,
        `max(${finite})::varchar as high${at}`,
      )
  }
  const length = lengthText(value, kind)
  if (length !== undefined)
    all.push(
      `min(${length}) as shortest${at}`,
      `max(${length}) as longest${at}`,
      `avg(${length}) as usual${at}`,
    )
  return all
}

function lengthText(value: string, kind: Leaf['kind']): string | undefined {
  if (kind === 'text') return `length(${value}::varchar)`
  if (kind === 'binary') return `octet_length(${value})`
  if (kind === 'list') return `len(${value})`
  return kind === 'map' ? `cardinality(${value})` : undefined
}

/** What the sample has to say. It is kept aside, for it is asked several times. */
async function sampled(
  session: Session,
  from: { opened: OpenedTable; leaves: readonly Leaf[]; rows: number; found: Row },
): Promise<{ rows: number; columns: OfSample[] }> {
  const { opened, leaves, rows, found } = from
  const values = leaves
    .map(({ value }, at) => `${value} as c${at}`)
    .concat('1 as one')
    .join(', ')
  const source = opened.sample(rows <= ALL_ROWS ? 1 : Math.ceil(rows / SAMPLE_ROWS))
  await session.connection.run(
    `create or replace temp table sampled as select ${values} from ${source}`,
  )
  try {
    return await sampleStatistics(
      session,
      leaves.map((leaf, at) => ofSample(leaf, at, found)),
    )
  } finally {
    await session.connection.run('drop table if exists sampled')
  }
}

/** A column as the sample has it, between the least and the greatest value of all rows. */
function ofSample(leaf: Leaf, at: number, found: Row): SampledLeaf {
  const low = found[`low${at}`] ?? found[`min${at}`] ?? null
  const high = found[`high${at}`] ?? found[`max${at}`] ?? null
  return { ...leaf, value: `c${at}`, low: low as string | null, high: high as string | null }
}

function columnOf(
  leaf: Leaf,
  at: { row: Row; index: number; rows: number; isAll: boolean; of: OfSample },
): ColumnProfile {
  const { name, type, kind } = leaf
  const own = (word: string) => at.row[`${word}${at.index}`]
  const known = Number(own('known'))
  const number = (word: string) => numberOrNull(own(word))
  return {
    name,
    type,
    kind,
    nulls: at.rows - known,
    distinct: distinctOf({ ...at, known, estimate: number('distinct'), kind }),
    min: bound(own('min') as string | null, kind),
    max: bound(own('max') as string | null, kind),
    mean: number('mean'),
    std: number('std'),
    nonFinite: leaf.isFloat ? (number('wild') ?? 0) : null,
    trues: kind === 'boolean' ? (number('trues') ?? 0) : null,
    lengths:
      number('longest') === null
        ? null
        : {
            min: number('shortest') as number,
            max: number('longest') as number,
            mean: number('usual') as number,
          },
    quantiles: at.of.quantiles,
    histogram: at.of.histogram,
    top: at.of.top,
  }
}

function distinctOf(at: {
  isAll: boolean
  known: number
  estimate: number | null
  kind: Leaf['kind']
  row: Row
  index: number
  of: OfSample
}): ColumnProfile['distinct'] {
  if (at.kind === 'struct') return null
  if (at.kind === 'boolean') {
    const trues = Number(at.row[`trues${at.index}`] ?? 0)
    return { count: Number(trues > 0) + Number(trues < at.known), isExact: true }
  }
  if (at.isAll && at.of.distinct !== null) return { count: at.of.distinct, isExact: true }
  // An estimate may say more than there are values.
  return { count: Math.min(at.estimate ?? 0, at.known), isExact: false }
}

const SHOWN_CHARS = 200

/** The least or the greatest value, as a number where that is exact. */
function bound(text: string | null | undefined, kind: Leaf['kind']): number | string | null {
  if (text === null || text === undefined) return null
  if (kind !== 'number') return text.length > SHOWN_CHARS ? `${text.slice(0, SHOWN_CHARS)}…` : text
  const number = Number(text)
  if (!Number.isFinite(number)) return text
  const isWhole = /^-?\d+$/.test(text)
  return isWhole && !Number.isSafeInteger(number) ? text : number
}

function numberOrNull(value: unknown): number | null {
  if (value === null || value === undefined) return null
  const number = Number(value)
  return Number.isFinite(number) ? number : null
}
