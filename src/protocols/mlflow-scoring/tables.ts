import { isUtf8 } from 'node:buffer'
import { parse } from 'csv-parse/sync'
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

/** A table as `DataFrame.to_parquet` writes it. Throws `BadRequest`. */
export async function parquetRows(bytes: Buffer): Promise<PredictionRequest['input']> {
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
    const records = await parquetReadObjects({ file, metadata, compressors })
    return tableOf(records)
  } catch (error) {
    if (error instanceof Problem) throw error
    throw new BadRequest(`the input is not valid Parquet: ${messageOf(error)}`)
  }
}

function tableOf(records: readonly Record<string, unknown>[]): PredictionRequest['input'] {
  // The index of a DataFrame travels as a column, which is none of the model's.
  const columns = Object.keys(records[0] ?? {}).filter(
    (name) => !/^__index_level_\d+__$/.test(name),
  )
  const rows = records.map((record) => columns.map((name) => cellOf(record[name])))
  return { form: 'rows', columns, rows, cast: true }
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
