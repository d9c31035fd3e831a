import { SHAPES, type ColumnFacts, type Plain, type TableColumn, type TableFacts } from '#contracts'
import { plain } from './examples.ts'
import { firstOf, type Asking, type OpenTable } from './asking.ts'
import { literal, quoted } from './text.ts'
import { isFloat } from './types.ts'

/** Columns with more different values than this are not listed. */
const VALUES_MAX = 100

/** What stands in a table: one scan for all columns, one more for each whose values are few or may be unique. */
export async function factsOf(asking: Asking, table: OpenTable): Promise<TableFacts> {
  const parts = table.columns.map(factsText)
  const answer = await firstOf(
    asking,
    `select ${['count(*) as total', ...parts.flatMap((part, at) => Object.entries(part).map(([word, text]) => `${text} as ${word}${at}`))].join(', ')} from ${quoted(table.name)}`,
  )
  const rows = Number(answer['total'])
  const columns: ColumnFacts[] = []
  for (const [at, column] of table.columns.entries()) {
    const of = (word: string) => answer[`${word}${at}`]
    const present = rows - Number(of('nulls'))
    const about = Number(of('about') ?? 0)
    const values =
      about <= 2 * VALUES_MAX && isListable(column) ? await valuesOf(asking, table, column) : null
    const mayBeUnique = about > 0.8 * present && present > 0
    columns.push({
      ...column,
      nulls: Number(of('nulls')),
      nan: Number(of('nan') ?? 0),
      infinite: Number(of('inf') ?? 0),
      distinct: values?.length ?? (mayBeUnique ? await distinctOf(asking, table, column) : about),
      min: plain(of('min')),
      max: plain(of('max')),
      minLength: numberOrNull(of('short')),
      maxLength: numberOrNull(of('long')),
      values,
      shapes: Object.keys(SHAPES).filter((_, index) => of(`shape${index}_`) === true),
    })
  }
  return { rows, columns }
}

function factsText(column: TableColumn): Record<string, string> {
  const name = quoted(column.name)
  const text: Record<string, string> = { nulls: `count(*) - count(${name})` }
  if (!isListable(column)) return text
  text['about'] = `approx_count_distinct(${name})`
  if (isFloat(column)) {
    text['nan'] = `coalesce(sum(isnan(${name})::int), 0)`
    text['inf'] = `coalesce(sum(isinf(${name})::int), 0)`
    text['min'] = `min(case when isfinite(${name}) then ${name} end)::double`
    text['max'] = `max(case when isfinite(${name}) then ${name} end)::double`
  } else if (column.type === 'integer')
    Object.assign(text, { min: `min(${name})`, max: `max(${name})` })
  else if (column.type === 'number')
    Object.assign(text, { min: `min(${name})::double`, max: `max(${name})::double` })
  else if (column.type !== 'string' && column.type !== 'boolean')
    Object.assign(text, { min: `min(${name})::varchar`, max: `max(${name})::varchar` })
  if (column.physicalType === 'VARCHAR') {
    Object.assign(text, { short: `min(length(${name}))`, long: `max(length(${name}))` })
    for (const [index, pattern] of Object.values(SHAPES).entries())
      text[`shape${index}_`] = `bool_and(regexp_matches(${name}, ${literal(pattern)}))`
  }
  return text
}

function isListable({ type }: TableColumn): boolean {
  return type !== undefined && !['array', 'object', 'map', 'vector'].includes(type)
}

async function distinctOf(asking: Asking, table: OpenTable, column: TableColumn): Promise<number> {
  const name = quoted(column.name)
  return Number(
    (await firstOf(asking, `select count(distinct ${name}) as n from ${quoted(table.name)}`))['n'],
  )
}

async function valuesOf(
  asking: Asking,
  table: OpenTable,
  column: TableColumn,
): Promise<{ value: Plain; rows: number }[] | null> {
  const name = quoted(column.name)
  const value =
    column.type === 'integer' || column.type === 'boolean' || isFloat(column)
      ? name
      : `${name}::varchar`
  const rows = await asking.ask(
    `select ${value} as v, count(*) as n from ${quoted(table.name)} where ${name} is not null group by 1 order by n desc, v limit ${VALUES_MAX + 1}`,
  )
  if (rows.length > VALUES_MAX) return null
  return rows.map((row) => ({ value: plain(row['v']) ?? '', rows: Number(row['n']) }))
}

function numberOrNull(value: unknown): number | null {
  return value === null || value === undefined ? null : Number(value)
}
