import { Problem } from '#base/problem'
import { distance, inCommonBins, referenceTable, type Histogram, type Test } from '#contracts'
import { columnOf, firstOf, type Asking, type OpenTable } from './asking.ts'
import { quoted } from './text.ts'

type Drift = Extract<Test, { kind: 'drift' }>

/** Reference quantiles that numbers are sorted into by. */
const BINS: Readonly<Partial<Record<Drift['method'], number>>> = { psi: 10, 'jensen-shannon': 20 }

/** More categories than this are no categories. */
const CATEGORIES_MAX = 100_000

/** Buckets of TFDV's standard histogram. */
const BUCKETS = 10

/** How far a column is from the same column of the reference. Nulls, NaN and infinities are not part of either. */
export async function driftOf(asking: Asking, table: OpenTable, test: Drift): Promise<number> {
  const reference = asking.table(referenceTable(test.reference))
  const column = columnOf(table, test.column)
  const other = columnOf(reference, test.column)
  const isNumber = [column, other].every(({ type }) => type === 'integer' || type === 'number')
  const sides = [reference, table] as const
  await notEmpty(asking, sides, test)
  if (test.method === 'kolmogorov-smirnov') {
    if (!isNumber)
      throw new Problem(
        'invalid',
        `kolmogorov-smirnov compares numbers, and ${test.column} holds none; use psi`,
      )
    return largestGap(asking, sides, test.column)
  }
  // TFDV gives 0 here, which says that nothing changed.
  if (test.method === 'l-infinity' && isNumber && other.type === 'number')
    throw new Problem(
      'invalid',
      `l-infinity compares categories, and ${test.column} holds numbers; use js-divergence`,
    )
  const [one, two] =
    !isNumber || test.method === 'l-infinity'
      ? await byCategory(asking, sides, test.column)
      : test.method === 'js-divergence'
        ? await byBuckets(asking, sides, test.column)
        : await byQuantiles(asking, sides, { column: test.column, bins: BINS[test.method] ?? 10 })
  return distance(test.method, one, two)
}

type Sides = readonly [reference: OpenTable, current: OpenTable]

async function notEmpty(asking: Asking, sides: Sides, { column, reference }: Drift): Promise<void> {
  for (const [index, side] of sides.entries()) {
    const answer = await firstOf(asking, `select count(*) as n from ${valuesOf(side, column)}`)
    if (Number(answer['n']) === 0)
      throw new Problem(
        'invalid',
        `${index === 0 ? reference : side.name} holds no value of ${column} to compare`,
      )
  }
}

/** The values that are compared, as a table of one column `v`. */
function valuesOf(table: OpenTable, column: string): string {
  const { physicalType } = columnOf(table, column)
  const name = quoted(column)
  const finite =
    physicalType === 'FLOAT' || physicalType === 'DOUBLE' ? ` and isfinite(${name})` : ''
  return `(select ${name} as v from ${quoted(table.name)} where ${name} is not null${finite})`
}

async function byCategory(
  asking: Asking,
  [reference, current]: Sides,
  column: string,
): Promise<[number[], number[]]> {
  const of = (side: OpenTable) =>
    `(select v::varchar as v, count(*) as n from ${valuesOf(side, column)} group by 1)`
  const rows = await asking.ask(
    `select coalesce(a.n, 0) as a, coalesce(b.n, 0) as b from ${of(reference)} a full join ${of(current)} b on a.v = b.v limit ${CATEGORIES_MAX + 1}`,
  )
  if (rows.length > CATEGORIES_MAX)
    throw new Problem(
      'invalid',
      `${column} has more than ${CATEGORIES_MAX} different values, too many to compare as categories`,
    )
  return [rows.map((row) => Number(row['a'])), rows.map((row) => Number(row['b']))]
}

/** Bins between the reference's quantiles, open at both ends. */
async function byQuantiles(
  asking: Asking,
  [reference, current]: Sides,
  { column, bins }: { column: string; bins: number },
): Promise<[number[], number[]]> {
  const shares = Array.from({ length: bins - 1 }, (_, index) => (index + 1) / bins)
  const found = await asking.ask(
    `select distinct e from (select unnest(quantile_cont(v::double, [${shares.join(', ')}])) as e from ${valuesOf(reference, column)}) order by e`,
  )
  const edges = found.map((row) => Number(row['e']))
  return [
    await binned(asking, valuesOf(reference, column), edges),
    await binned(asking, valuesOf(current, column), edges),
  ]
}

async function binned(asking: Asking, values: string, edges: readonly number[]): Promise<number[]> {
  const sums = edges.map((edge, index) => `sum((v <= ${edge}::double)::int) as c${index}`)
  const answer = await firstOf(asking, `select count(*) as n, ${sums.join(', ')} from ${values}`)
  const below = [...edges.map((_, index) => Number(answer[`c${index}`])), Number(answer['n'])]
  return below.map((count, index) => count - (index === 0 ? 0 : (below[index - 1] as number)))
}

async function byBuckets(
  asking: Asking,
  [reference, current]: Sides,
  column: string,
): Promise<[number[], number[]]> {
  return inCommonBins(
    await histogram(asking, valuesOf(reference, column)),
    await histogram(asking, valuesOf(current, column)),
  )
}

async function histogram(asking: Asking, values: string): Promise<Histogram> {
  const ends = await firstOf(
    asking,
    `select min(v)::double as low, max(v)::double as high from ${values}`,
  )
  const low = Number(ends['low'])
  const high = Number(ends['high'])
  const width = high === low ? 1 : (high - low) / BUCKETS
  const rows = await asking.ask(
    `select least(floor((v::double - (${low})::double) / ${width}::double), ${BUCKETS - 1})::int as b, count(*) as n from ${values} group by 1`,
  )
  const counts = Array.from({ length: BUCKETS }, () => 0)
  for (const row of rows) counts[Number(row['b'])] = Number(row['n'])
  return { low, high, counts }
}

/** The largest difference of the two distribution functions, exactly. */
async function largestGap(
  asking: Asking,
  [reference, current]: Sides,
  column: string,
): Promise<number> {
  const answer = await firstOf(
    asking,
    `with pooled as (
       select v, sum(a) as a, sum(b) as b from (
         select v::double as v, 1 as a, 0 as b from ${valuesOf(reference, column)}
         union all select v::double, 0, 1 from ${valuesOf(current, column)}
       ) group by v
     ), running as (
       select sum(a) over (order by v) as a, sum(b) over (order by v) as b, sum(a) over () as n, sum(b) over () as m from pooled
     )
     select max(abs(a / n - b / m))::double as d from running`,
  )
  return Number(answer['d'])
}
