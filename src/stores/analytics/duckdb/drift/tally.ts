import type { Spans, Tally } from '#drift'
import { name, sql, type Sql } from '../sql.ts'
import { spanText, type Opened } from './reader.ts'

/** Categories that are told by name. */
const NAMES = 50

/** Those of one side only that are told. */
const ALONE = 5

/** Counts both tables' values where they lie: only the counts come out, for a column may have millions of values. */
export async function tallyOf(
  reference: Opened,
  current: Opened,
  { column, at }: { column: string; at: { spans: Spans; span: number } | null },
): Promise<Tally> {
  const { session } = reference
  const counted = (side: Opened, which: Sql) =>
    sql`(select ${name(column)}::varchar as x, count(*)::double as n from ${side.from} where x is not null${which} group by 1)`
  const inSpan =
    at === null ? sql`` : sql` and ${spanText(current, at.spans)} = (${at.span})::double`
  await session.rows(
    sql`create or replace temp table tally as
          select coalesce(one.x, other.x) as x, coalesce(one.n, 0) as a, coalesce(other.n, 0) as b
          from ${counted(reference, sql``)} as one full join ${counted(current, inSpan)} as other on one.x = other.x`,
  )
  try {
    const names = async (which: Sql): Promise<string[]> =>
      (await session.rows(sql`select x from tally ${which}`)).map((row) => row['x'] as string)
    const counts = await session.columns(sql`select a, b from tally order by a desc, x`)
    return {
      reference: Float64Array.from((counts['a'] ?? []) as number[]),
      current: Float64Array.from((counts['b'] ?? []) as number[]),
      names: await names(sql`order by a desc, x limit ${NAMES}`),
      alone: {
        reference: await names(sql`where b = 0 order by a desc, x limit ${ALONE}`),
        current: await names(sql`where a = 0 order by b desc, x limit ${ALONE}`),
      },
    }
  } finally {
    await session.rows(sql`drop table if exists tally`)
  }
}
