import { messageOf } from '#base/problem'
import { PROFILE_VERSION, type ColumnProfile, type Table, type TableProfile } from '#tables'
import type { Row, Session } from '../engine.ts'
import {
  countingFor,
  distinctOf,
  distinctText,
  occurrencesText,
  type Counting,
} from './distinct.ts'
import { leavesOf, type Leaf } from './leaves.ts'
import { unreadable, withTable, type OpenedTable } from './relation.ts'
import { sampleStatistics, type OfSample, type SampledLeaf } from './sample.ts'

/** Of more rows than these, some stand for all in quantiles, histograms and top values. */
const ALL_ROWS = 65_536
const SAMPLE_ROWS = 32_768

/** Columns of one scan; a table with more is scanned again, so that memory stays flat. */
const SCAN_COLUMNS = 250

/** The profile of a table: a sample says what to look for, one scan of every row has the rest. */
export async function profileTable(session: Session, table: Table): Promise<TableProfile> {
  return withTable(session, table, async (opened) => {
    try {
      const leaves = await leavesOf(session, opened.from)
      const columns: ColumnProfile[] = []
      let rows = 0
      let sampledRows = 0
      for (let at = 0; at < Math.max(leaves.length, 1); at += SCAN_COLUMNS) {
        const part = await profiled(session, opened, leaves.slice(at, at + SCAN_COLUMNS))
        rows = part.rows
        sampledRows = part.sampledRows
        columns.push(...part.columns)
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

async function profiled(
  session: Session,
  opened: OpenedTable,
  leaves: readonly Leaf[],
): Promise<{ rows: number; sampledRows: number; columns: ColumnProfile[] }> {
  const asks: Asks = (text) => session.rows({ parts: [text], values: [] })
  const ask: Ask = async (text) => (await asks(text))[0] ?? {}
  try {
    const { rows, isAll } = await takeSample(session, opened, leaves)
    // What is all there in the sample is not read again.
    const held = leaves.map((leaf, at) => ({ ...leaf, value: `c${at}` }))
    const countings = isAll ? [] : await countingsFor(ask, held, rows)
    const source = isAll ? 'sampled' : (opened.from.parts[0] as string)
    const looked = isAll ? held : leaves
    const bounds = isAll || !opened.isCounted ? {} : await boundsOf(asks, source, looked)
    const found = {
      ...bounds,
      ...(await scanned(ask, source, { leaves: looked, bounds, countings })),
    }
    const sample = await sampleStatistics(
      session,
      held.map((leaf, at) => ofSample(leaf, at, found)),
    )
    const columns = leaves.map((leaf, index) => {
      const [of, counting] = [sample.columns[index] as OfSample, countings[index]]
      return columnOf(leaf, { row: found, index, rows: Number(found['n']), of, counting })
    })
    return { rows: Number(found['n']), sampledRows: sample.rows, columns }
  } finally {
    await session.connection.run('drop table if exists sampled')
  }
}

/** Keeps some rows aside as the table `sampled`, for they are asked several times. */
async function takeSample(
  session: Session,
  opened: OpenedTable,
  leaves: readonly Leaf[],
): Promise<{ rows: number | undefined; isAll: boolean }> {
  const count = async (from: string) => {
    const [row] = await session.rows({ parts: [`select count(*) as n from ${from}`], values: [] })
    return Number(row?.['n'])
  }
  const values = leaves
    .map(({ value }, at) => `${value} as c${at}`)
    .concat('1 as one')
    .join(', ')
  const keep = (source: string) =>
    session.connection.run(
      `create or replace temp table sampled as select ${values} from ${source}`,
    )
  if (!opened.isCounted) {
    await keep(await opened.sample(ALL_ROWS))
    return { rows: undefined, isAll: (await count('sampled')) < ALL_ROWS }
  }
  const rows = await count(opened.from.parts[0] as string)
  await keep(await opened.sample(rows <= ALL_ROWS ? 1 : Math.ceil(rows / SAMPLE_ROWS)))
  return { rows, isAll: rows <= ALL_ROWS }
}

type Ask = (text: string) => Promise<Row>
type Asks = (text: string) => Promise<Row[]>

/** Without a number of rows, which the scan will tell, the sample cannot bound what repeats. */
async function countingsFor(
  ask: Ask,
  held: readonly Leaf[],
  rows: number | undefined,
): Promise<(Counting | undefined)[]> {
  const { n } = await ask('select count(*) as n from sampled')
  const share = rows === undefined ? Number.MIN_VALUE : Number(n) / rows
  const countings: (Counting | undefined)[] = []
  for (const { kind, value } of held)
    countings.push(
      kind === 'struct' || kind === 'boolean'
        ? undefined
        : countingFor(await ask(occurrencesText(value)), share),
    )
  return countings
}

/** The least and the greatest values that the file itself says; of columns for which a scan would be needed, none. */
async function boundsOf(ask: Asks, source: string, leaves: readonly Leaf[]): Promise<Row> {
  const parts = leaves.flatMap(({ kind, value }, at) =>
    kind === 'number' || kind === 'time'
      ? [`min(${value})::varchar as min${at}, max(${value})::varchar as max${at}`]
      : [],
  )
  const select = (texts: readonly string[]) => `select ${texts.join(', ')} from ${source}`
  const isSaid = async (texts: readonly string[]) =>
    texts.length > 0 &&
    !/PARQUET|READ_/i.test(JSON.stringify(await ask(`explain ${select(texts)}`)))
  const said: string[] = []
  if (await isSaid(parts)) said.push(...parts)
  else for (const part of parts) if (await isSaid([part])) said.push(part)
  return said.length === 0 ? {} : ((await ask(select(said)))[0] ?? {})
}

interface Looked {
  readonly leaves: readonly Leaf[]
  /** What is known before the scan. */
  readonly bounds: Row
  readonly countings: readonly (Counting | undefined)[]
}

/** What every row has to say. Values that are not finite, or whose squares are not, would end the computation: they are looked after where there are any. */
async function scanned(
  ask: Ask,
  source: string,
  { leaves, bounds, countings }: Looked,
): Promise<Row> {
  const scan = async (isGuarded: boolean): Promise<Row> => {
    const parts = leaves.flatMap((leaf, at) => [
      ...ofEveryRow(leaf, at, { isGuarded, isBounded: `min${at}` in bounds }),
      ...distinctPart(leaf, at, countings[at]),
    ])
    return ask(`select ${['count(*) as n', ...parts].join(', ')} from ${source}`)
  }
  try {
    const row = await scan(false)
    const isWild = leaves.some(
      ({ isFloat }, at) =>
        isFloat &&
        ([row[`min${at}`], row[`max${at}`]].some(isNotFinite) ||
          (row[`mean${at}`] !== null && !Number.isFinite(row[`mean${at}`]))),
    )
    return isWild ? await scan(true) : row
  } catch (error) {
    if (!/out of range/i.test(messageOf(error))) throw error
    return scan(true)
  }
}

function distinctPart(leaf: Leaf, at: number, counting: Counting | undefined): string[] {
  const text = counting === undefined ? undefined : distinctText(leaf, counting)
  return text === undefined ? [] : [`${text} as distinct${at}`]
}

function isNotFinite(value: unknown): boolean {
  return typeof value === 'string' && /^(?:nan|-?inf)/i.test(value)
}

function ofEveryRow(
  { value, kind, isFloat }: Leaf,
  at: number,
  { isGuarded, isBounded }: { isGuarded: boolean; isBounded: boolean },
): string[] {
  const all = [`count(${value}) as known${at}`]
  // Of structs and of binaries the order says nothing to people. What a file says of floats leaves out what is no number.
  const isOrdered = ['number', 'text', 'time', 'boolean'].includes(kind)
  if (isOrdered && (!isBounded || (isFloat && isGuarded)))
    all.push(`min(${value})::varchar as min${at}`, `max(${value})::varchar as max${at}`)
  if (kind === 'boolean') all.push(`count_if(${value}) as trues${at}`)
  if (kind === 'number') {
    const finite = isFloat && isGuarded ? `case when isfinite(${value}) then ${value} end` : value
    const std = isFloat && isGuarded ? guardedDeviation(finite) : `stddev_samp(${finite})`
    all.push(`avg(${finite})::double as mean${at}`, `${std}::double as std${at}`)
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

/** The deviation of finite numbers; where their squares would not be finite, that of numbers 2^600 times smaller, made as large again. */
function guardedDeviation(value: string): string {
  const isSmall = `abs(${value}) < 1e140`
  return `case when bool_and(${isSmall}) then stddev_samp(case when ${isSmall} then ${value} end)
    else stddev_samp(${value} * pow(2, -600)) * pow(2, 600) end`
}

function lengthText(value: string, kind: Leaf['kind']): string | undefined {
  if (kind === 'text') return `length(${value}::varchar)`
  if (kind === 'binary') return `octet_length(${value})`
  if (kind === 'list') return `len(${value})`
  return kind === 'map' ? `cardinality(${value})` : undefined
}

/** A column as the sample has it, between the least and the greatest value of all rows. */
function ofSample(leaf: Leaf, at: number, found: Row): SampledLeaf {
  const low = found[`low${at}`] ?? found[`min${at}`] ?? null
  const high = found[`high${at}`] ?? found[`max${at}`] ?? null
  return { ...leaf, low: low as string | null, high: high as string | null }
}

function columnOf(
  leaf: Leaf,
  at: {
    row: Row
    index: number
    rows: number
    of: OfSample
    /** Undefined where the sample has all rows, and for what is not counted. */
    counting: Counting | undefined
  },
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
    distinct: differentOf({ ...at, kind, known }),
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

function differentOf(at: {
  known: number
  kind: Leaf['kind']
  row: Row
  index: number
  of: OfSample
  counting: Counting | undefined
}): ColumnProfile['distinct'] {
  if (at.kind === 'struct') return null
  if (at.kind === 'boolean') {
    const trues = Number(at.row[`trues${at.index}`] ?? 0)
    return { count: Number(trues > 0) + Number(trues < at.known), isExact: true, within: 0 }
  }
  if (at.counting === undefined) return { count: at.of.distinct ?? 0, isExact: true, within: 0 }
  const counted = Number(at.row[`distinct${at.index}`] ?? 0)
  return distinctOf(at.counting, { counted, known: at.known })
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
