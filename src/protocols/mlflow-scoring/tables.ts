import { isUtf8 } from 'node:buffer'
import { parse } from 'csv-parse/sync'
import type { SchemaElement } from 'hyparquet'
import type { ExactJson } from '#base/exact-json'
import { messageOf, Problem } from '#base/problem'
import { exactNumber, type PredictionRequest, type Value } from '#inference'
import { BadRequest } from './errors.ts'
import { valueOf } from './forms.ts'

/** A small file can say that it holds any number of values; what a model is asked at once is no more than this. */
const PARQUET_CELLS_MAX = 20_000_000

/** The header's row and all others. Throws `BadRequest`. */
export function csvIn(bytes: Buffer): string[][] {
  if (!isUtf8(bytes)) throw new BadRequest('the input is not valid CSV: it is not UTF-8')
  try {
    return parse(bytes, { bom: true, skip_empty_lines: true })
  } catch (error) {
    throw new BadRequest(`the input is not valid CSV: ${messageOf(error)}`)
  }
}

/** Names of the columns that the model takes bytes in. */
export type BinaryColumns = () => Promise<ReadonlySet<string>>

/**
 * A table as `DataFrame.to_parquet` writes it. Bytes become base64 in columns of bytes, and are text elsewhere, as
 * programs wrote texts before Parquet had them. Throws `BadRequest`.
 */
export async function parquetRows(
  bytes: Buffer,
  binaryColumns: BinaryColumns,
): Promise<PredictionRequest['input']> {
  const file = bytes.buffer.slice(
    bytes.byteOffset,
    bytes.byteOffset + bytes.byteLength,
  ) as ArrayBuffer
  // Read when the first such table comes: what answers predictions starts sooner without.
  const { parquetMetadata, parquetReadObjects } = await import('hyparquet')
  const { compressors } = await import('hyparquet-compressors')
  try {
    const metadata = parquetMetadata(file)
    const columns = metadata.schema.length - 1
    const rows = Number(metadata.num_rows)
    if (!(rows * columns <= PARQUET_CELLS_MAX))
      throw new BadRequest(
        `a table of ${rows} rows and ${columns} columns is too large; send parts`,
      )
    const hasBytes = metadata.schema.some(isOfBytes)
    const binary = hasBytes ? await binaryColumns() : new Set<string>()
    const how = { compressors, parsers: EXACT_TIMES, utf8: false }
    return tableOf(await parquetReadObjects({ file, metadata, ...how }), binary)
  } catch (error) {
    if (error instanceof Problem) throw error
    throw new BadRequest(`the input is not valid Parquet: ${messageOf(error)}`)
  }
}

/** Nothing says what its bytes are. */
function isOfBytes({ type, converted_type: was, logical_type: is }: SchemaElement): boolean {
  return type === 'BYTE_ARRAY' && was === undefined && is === undefined
}

/** A `Date` would cut them off behind milliseconds. */
const EXACT_TIMES = {
  timestampFromMicroseconds: (count: bigint) => timeOf(count, 6),
  timestampFromNanoseconds: (count: bigint) => timeOf(count, 9),
}

/** As ISO 8601 writes it, with so many digits behind the second. */
function timeOf(count: bigint, digits: number): string {
  const perSecond = 10n ** BigInt(digits)
  const fraction = ((count % perSecond) + perSecond) % perSecond
  const second = new Date(Number((count - fraction) / perSecond) * 1000)
  return second.toISOString().replace(/\d{3}Z$/, String(fraction).padStart(digits, '0'))
}

function tableOf(
  records: readonly Record<string, unknown>[],
  binary: ReadonlySet<string>,
): PredictionRequest['input'] {
  // The index of a DataFrame travels as a column, which is none of the model's.
  const columns = Object.keys(records[0] ?? {}).filter(
    (name) => !/^__index_level_\d+__$/.test(name),
  )
  const readers = columns.map((name) => (binary.has(name) ? cellOf : textCellOf(name)))
  const rows = records.map((record) =>
    columns.map((name, at) => (readers[at] as typeof cellOf)(record[name])),
  )
  return { form: 'rows', columns, rows, cast: true }
}

function textCellOf(column: string): (value: unknown) => Value {
  return (value) => {
    if (!(value instanceof Uint8Array)) return cellOf(value)
    if (isUtf8(value)) return Buffer.from(value).toString('utf8')
    throw new BadRequest(`column ${column} has bytes that are no UTF-8, and no column of bytes`)
  }
}

function cellOf(value: unknown): Value {
  if (value === undefined || value === null) return null
  if (typeof value === 'bigint') return exactNumber(value)
  if (typeof value !== 'object') return value as Value
  return valueOf(jsonOf(value))
}

/** Times as ISO writes them, bytes as base64. */
function jsonOf(value: unknown): ExactJson {
  if (typeof value === 'bigint') return exactNumber(value)
  if (typeof value !== 'object' || value === null) return (value ?? null) as ExactJson
  if (value instanceof Date) return value.toISOString().replace('Z', '')
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64')
  if (ArrayBuffer.isView(value)) return Array.from(value as Float64Array, jsonOf)
  if (Array.isArray(value)) return value.map(jsonOf)
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, jsonOf(each)]))
}
