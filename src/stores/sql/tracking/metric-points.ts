import { sql, type Kysely } from 'kysely'
import type { HistoryPage, Metric, Place, Placed } from '#tracking'
import { ascending, isAfter, keyColumns, orderedBy, placed } from '../keyset.ts'
import { packedBlock, unpackedBlock, type MetricColumns } from './metric-block.ts'
import { compared, merged, pointAt } from './metric-columns.ts'
import type { TrackingTables } from './tables.ts'

// A series' points are rows while they are new, and blocks of columns when there are many: a block takes a
// third of what its rows took, and a million points are read in the time of some thousand rows. Blocks
// and rows are moved in the transaction that appends, so there is never a point in neither or both.

type Db = Kysely<TrackingTables>
type PointRow = Pick<TrackingTables['metric_points'], 'at_ms' | 'step' | 'value' | 'is_nan'>
type BlockRow = Omit<TrackingTables['metric_blocks'], 'bytes'>

const BLOCK = 4096

/** So many rows may a series have before the earliest become a block: as many stay, for those that come late. */
export const OPEN_MAX = 2 * BLOCK

/** No two points of a series are alike in all of these. */
const HISTORY = ['at_ms', 'step', 'value', 'is_nan'].map((column) =>
  ascending(sql.ref(column), 'number'),
)

/** Every point of the series, in the order of its history. */
export async function pointsOf(db: Db, seriesId: number): Promise<MetricColumns> {
  const { rows: blocks } = await sql<{ bytes: Uint8Array }>`
    select bytes from metric_blocks where series_id = ${seriesId} order by ordinal`.execute(db)
  const { rows } = await sql<PointRow>`
    select at_ms, step, value, is_nan from metric_points
    where series_id = ${seriesId} order by ${orderedBy(HISTORY)}`.execute(db)
  return merged([...blocks.map(({ bytes }) => unpackedBlock(bytes)), columnsOf(rows)])
}

/** A page of the history, and one point more if there is one; reads no block that it does not need. */
export async function historyPage(
  db: Db,
  seriesId: number,
  { key, limit, after }: HistoryPage,
): Promise<Placed<Metric>[]> {
  const blocks = await blocksOf(db, seriesId)
  if (!(await follows(db, seriesId, blocks)))
    return pageIn(await pointsOf(db, seriesId), { key, after, most: limit + 1 })
  const found: Placed<Metric>[] = []
  for (const block of blocks) {
    if (found.length > limit) return found
    if (after !== undefined && endsBefore(block, after)) continue
    const points = await unpacked(db, block)
    found.push(...pageIn(points, { key, after, most: limit + 1 - found.length }))
  }
  if (found.length > limit) return found
  const most = limit + 1 - found.length
  const { rows } = await sql<PointRow>`
    select at_ms, step, value, is_nan, ${sql.join(keyColumns(HISTORY))} from metric_points
    where series_id = ${seriesId} and ${isAfter(HISTORY, after)}
    order by ${orderedBy(HISTORY)} limit ${most}`.execute(db)
  return [...found, ...rows.map((row) => placed(row, HISTORY, metricOf({ ...row, key })))]
}

/** How many points the series have; one that came again after it was packed counts twice until it is packed too. */
export async function countsOf(
  db: Db,
  seriesIds: readonly number[],
): Promise<ReadonlyMap<number, number>> {
  if (seriesIds.length === 0) return new Map()
  const ids = sql.join(seriesIds)
  const { rows } = await sql<{ series_id: number; points: number | string }>`
    select series_id, sum(points) as points from (
      select series_id, count(*) as points from metric_points
      where series_id in (${ids}) group by series_id
      union all select series_id, points from metric_blocks where series_id in (${ids})
    ) as counted group by series_id`.execute(db)
  return new Map(rows.map(({ series_id, points }) => [series_id, Number(points)]))
}

/** Packs the earliest rows of a series into blocks until few rows are left, and gives how many are left. */
export async function packEarliest(db: Db, seriesId: number): Promise<number> {
  for (;;) {
    const { rows } = await sql<PointRow>`
      select at_ms, step, value, is_nan from metric_points where series_id = ${seriesId}
      order by ${orderedBy(HISTORY)} limit ${OPEN_MAX}`.execute(db)
    if (rows.length < OPEN_MAX) return rows.length
    await insertBlock(db, seriesId, columnsOf(rows.slice(0, BLOCK)))
    const last = rows[BLOCK - 1] as PointRow
    await sql`delete from metric_points where series_id = ${seriesId}
      and (at_ms, step, value, is_nan)
        <= (${last.at_ms}, ${last.step}, ${last.value}, ${last.is_nan})`.execute(db)
  }
}

export function metricOf(row: PointRow & { key: string }): Metric {
  return {
    key: row.key,
    value: row.is_nan === 1 ? Number.NaN : row.value,
    step: row.step,
    atMs: row.at_ms,
  }
}

async function insertBlock(db: Db, seriesId: number, points: MetricColumns): Promise<void> {
  const [first, last] = [pointAt(points, 0), pointAt(points, points.atMs.length - 1)]
  const ordinal = db
    .selectFrom('metric_blocks')
    .select((e) => sql<number>`coalesce(${e.fn.max('ordinal')}, 0) + 1`.as('ordinal'))
    .where('series_id', '=', seriesId)
  await db
    .insertInto('metric_blocks')
    .values({
      series_id: seriesId,
      ordinal,
      first_ms: first[0],
      first_step: first[1],
      last_ms: last[0],
      last_step: last[1],
      points: points.atMs.length,
      bytes: packedBlock(points),
    })
    .execute()
}

async function blocksOf(db: Db, seriesId: number): Promise<BlockRow[]> {
  const { rows } = await sql<BlockRow>`
    select series_id, ordinal, first_ms, first_step, last_ms, last_step, points from metric_blocks
    where series_id = ${seriesId} order by ordinal`.execute(db)
  return rows
}

async function unpacked(db: Db, { series_id, ordinal }: BlockRow): Promise<MetricColumns> {
  const { rows } = await sql<{ bytes: Uint8Array }>`
    select bytes from metric_blocks
    where series_id = ${series_id} and ordinal = ${ordinal}`.execute(db)
  return unpackedBlock((rows[0] as { bytes: Uint8Array }).bytes)
}

/** Whether each block, and then the rows, come after the block before; not so when points came very late or again. */
async function follows(db: Db, seriesId: number, blocks: readonly BlockRow[]): Promise<boolean> {
  const last = blocks.at(-1)
  if (last === undefined) return true
  const apart = blocks.every((block, at) => {
    const before = blocks[at - 1]
    return before === undefined || endsBefore(before, [block.first_ms, block.first_step])
  })
  if (!apart) return false
  const { rows } = await sql<PointRow>`
    select at_ms, step, value, is_nan from metric_points where series_id = ${seriesId}
    order by ${orderedBy(HISTORY)} limit 1`.execute(db)
  return rows[0] === undefined || endsBefore(last, [rows[0].at_ms, rows[0].step])
}

function endsBefore({ last_ms, last_step }: BlockRow, [ms, step]: Place): boolean {
  return last_ms < Number(ms) || (last_ms === Number(ms) && last_step < Number(step))
}

function pageIn(
  points: MetricColumns,
  { key, after, most }: { key: string; after: Place | undefined; most: number },
): Placed<Metric>[] {
  const found: Placed<Metric>[] = []
  const start = after?.map(Number)
  for (let at = 0; at < points.atMs.length && found.length < most; at++) {
    const place = pointAt(points, at)
    if (start !== undefined && compared(place, start) <= 0) continue
    const [atMs, step] = place
    found.push({ place, item: { key, value: points.value[at] as number, step, atMs } })
  }
  return found
}

function columnsOf(rows: readonly PointRow[]): MetricColumns {
  return {
    atMs: Float64Array.from(rows, (row) => row.at_ms),
    step: Float64Array.from(rows, (row) => row.step),
    value: Float64Array.from(rows, (row) => (row.is_nan === 1 ? Number.NaN : row.value)),
  }
}
