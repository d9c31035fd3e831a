import type { Logged } from '#inference'
import type { SegmentFiles, SegmentFilter, SegmentRow, TruthRow } from '#serving'
import type { Analytics } from './index.ts'
import { writeNumbers } from './number-segments.ts'
import type { Column, ColumnType } from './parquet.ts'
import type { Columns } from './engine.ts'
import { joined, rowsOf, sql, type Sql } from './sql.ts'

const INPUT = 'input.'
const OUTPUT = 'output.'

const OWN_COLUMNS: readonly Column[] = [
  { name: 'prediction', type: 'integer' },
  { name: 'batch', type: 'text' },
  { name: 'revision', type: 'integer' },
  { name: 'model_version', type: 'text' },
  { name: 'role', type: 'text' },
  { name: 'event_ms', type: 'integer' },
  { name: 'event_time', type: 'time' },
  { name: 'at_ms', type: 'integer' },
  { name: 'latency_ms', type: 'double' },
  { name: 'key', type: 'text' },
]

const TRUTH_COLUMNS: readonly Column[] = [
  { name: 'kind', type: 'text' },
  { name: 'ref', type: 'text' },
  { name: 'label', type: 'json' },
  { name: 'time_ms', type: 'integer' },
  { name: 'at_ms', type: 'integer' },
]

/** Segments of the prediction log as Parquet; each input and each output is a column of its own. */
export function segmentFiles(analytics: Analytics): SegmentFiles {
  const read = segmentReader(analytics)
  return {
    writePredictions: async (pages, path) => {
      const { inputs, outputs } = await columnsOf(pages())
      await analytics.writeParquet(path, {
        columns: [...OWN_COLUMNS, ...prefixed(INPUT, inputs), ...prefixed(OUTPUT, outputs)],
        pages: cellsOf(pages(), inputs, outputs),
        orderBy: ['event_ms', 'prediction', 'revision'],
      })
    },
    writeNumbers: (pages, path) =>
      analytics.session((session) => writeNumbers(session, path, pages)),
    writeTruths: async (pages, path) => {
      await analytics.writeParquet(path, { columns: TRUTH_COLUMNS, rows: truthCells(pages()) })
    },
    readPredictions: async (paths, filter) => {
      const found: SegmentRow[][] = []
      // Each file by itself: what one segment knows as numbers may be text in another.
      for (const path of paths) found.push(await read(path, filter))
      return found.length === 1 ? (found[0] ?? []) : inOrder(found.flat(), filter.limit)
    },
  }
}

function segmentReader(analytics: Analytics) {
  const jsonColumns = new Map<string, ReadonlySet<string>>()
  const jsonColumnsOf = async (path: string) => {
    const known = jsonColumns.get(path)
    if (known !== undefined) return known
    const described = await analytics.query(sql`describe select * from ${rowsOf([path])}`)
    const found = new Set(
      described
        .filter((column) => column['column_type'] === 'JSON')
        .map((column) => String(column['column_name'])),
    )
    jsonColumns.set(path, found)
    return found
  }
  return async (path: string, filter: SegmentFilter): Promise<SegmentRow[]> => {
    const json = await jsonColumnsOf(path)
    const limit = filter.limit === undefined ? sql`` : sql` limit ${filter.limit}`
    const columns = await analytics.columns(
      sql`select * exclude (event_time) from ${rowsOf([path])} where ${conditions(filter)} order by event_ms, prediction, revision${limit}`,
    )
    return segmentRows(columns, json)
  }
}

function inOrder(rows: SegmentRow[], limit: number | undefined): SegmentRow[] {
  const sorted = rows.toSorted(
    (one, other) =>
      one.eventMs - other.eventMs ||
      one.prediction - other.prediction ||
      one.revision - other.revision,
  )
  return limit === undefined ? sorted : sorted.slice(0, limit)
}

function conditions(filter: SegmentFilter): Sql {
  const { fromMs, toMs, role, revision, predictions, after } = filter
  const all = [sql`event_ms >= ${fromMs}`, sql`event_ms < ${toMs}`]
  if (role !== undefined) all.push(sql`role = ${role}`)
  if (revision !== undefined) all.push(sql`revision = ${revision}`)
  if (predictions !== undefined)
    all.push(sql`prediction between ${predictions[0]} and ${predictions[1]}`)
  if (after !== undefined)
    all.push(
      sql`(event_ms > ${after[0]} or (event_ms = ${after[0]} and (prediction > ${after[1]} or (prediction = ${after[1]} and revision > ${after[2]}))))`,
    )
  return joined(all, ' and ')
}

type Typed = ReadonlyMap<string, ColumnType>

/** The columns that rows have, each with the narrowest type that holds all its values. */
async function columnsOf(
  pages: AsyncIterable<readonly SegmentRow[]>,
): Promise<{ inputs: Typed; outputs: Typed }> {
  const inputs = narrowest()
  const outputs = narrowest()
  for await (const page of pages)
    for (const row of page) {
      inputs.look(row.inputs)
      outputs.look(row.outputs)
    }
  return { inputs: inputs.types(), outputs: outputs.types() }
}

/** Learns from objects which columns they have. */
export function narrowest() {
  const types = new Map<string, ColumnType | undefined>()
  return {
    look: (values: SegmentRow['inputs']): void => {
      for (const column of Object.keys(values)) {
        const value = values[column] ?? null
        const before = types.get(column)
        // Nothing is wider than this but JSON; most values are numbers.
        if (before === 'double' && typeof value === 'number') continue
        const type = wider(before, typeOf(value))
        if (type !== before || !types.has(column)) types.set(column, type)
      }
    },
    types: (): Typed => new Map([...types].map(([column, type]) => [column, type ?? 'text'])),
  }
}

function typeOf(value: Logged): ColumnType | undefined {
  if (value === null) return undefined
  if (typeof value === 'string') return 'text'
  if (typeof value === 'boolean') return 'boolean'
  if (typeof value === 'number') return Number.isSafeInteger(value) ? 'integer' : 'double'
  return 'json'
}

function wider(one: ColumnType | undefined, other: ColumnType | undefined): ColumnType | undefined {
  if (one === undefined || other === undefined || one === other) return one ?? other
  const numeric = [one, other].every((type) => type === 'integer' || type === 'double')
  return numeric ? 'double' : 'json'
}

function prefixed(prefix: string, types: Typed): Column[] {
  return [...types].map(([column, type]) => ({ name: `${prefix}${column}`, type }))
}

async function* cellsOf(
  pages: AsyncIterable<readonly SegmentRow[]>,
  inputs: Typed,
  outputs: Typed,
): AsyncGenerator<readonly (readonly unknown[])[]> {
  for await (const page of pages)
    yield page.map((row) => {
      const all: unknown[] = [
        row.prediction,
        row.batch,
        row.revision,
        row.modelVersion,
        row.role,
        row.eventMs,
        row.eventMs,
        row.atMs,
        row.latencyMs,
        row.key,
      ]
      pushCells(all, row.inputs, inputs)
      pushCells(all, row.outputs, outputs)
      return all
    })
}

function pushCells(to: unknown[], values: SegmentRow['inputs'], types: Typed): void {
  for (const [column, type] of types)
    // A gap is null in a column of any type; in one of JSON it must not become JSON's own null.
    to.push(values[column] ?? (type === 'json' ? undefined : null))
}

async function* truthCells(
  pages: AsyncIterable<readonly TruthRow[]>,
): AsyncGenerator<readonly unknown[]> {
  for await (const page of pages)
    for (const { by, ref, label, timeMs, atMs } of page) yield [by, ref, label, timeMs, atMs]
}

function segmentRows(columns: Columns, json: ReadonlySet<string>): SegmentRow[] {
  const own = (name: string) => columns[name] ?? []
  const inputs = objectsOf(columns, INPUT, json)
  const outputs = objectsOf(columns, OUTPUT, json)
  return own('prediction').map((prediction, row) => ({
    prediction: prediction as number,
    batch: own('batch')[row] as string,
    revision: own('revision')[row] as number,
    modelVersion: own('model_version')[row] as string,
    role: own('role')[row] as SegmentRow['role'],
    eventMs: own('event_ms')[row] as number,
    atMs: own('at_ms')[row] as number,
    latencyMs: own('latency_ms')[row] as number,
    key: own('key')[row] as string | null,
    inputs: inputs(row),
    outputs: outputs(row),
  }))
}

/** For each row an object of the columns with a prefix. */
function objectsOf(columns: Columns, prefix: string, json: ReadonlySet<string>) {
  const chosen = Object.entries(columns)
    .filter(([column]) => column.startsWith(prefix))
    .map(([column, values]) => ({
      name: column.slice(prefix.length),
      values: json.has(column)
        ? values.map((value) => (value === null ? null : (JSON.parse(value as string) as Logged)))
        : (values as readonly Logged[]),
    }))
  return (row: number) => {
    const object: Record<string, Logged> = {}
    for (const { name, values } of chosen) object[name] = values[row] ?? null
    return object
  }
}
