import type { DuckDBType, DuckDBValue } from '@duckdb/node-api'
import { printExactJson, parseExactJson, type ExactJson } from '#base/exact-json'
import { exactNumber, type Value } from '#inference'
import type { DuckDb } from '../engine.ts'

/** How values of a type become what models take, with all their digits; `null` when they are that already. */
export function cellReader(
  duckdb: DuckDb,
  type: DuckDBType,
): ((value: DuckDBValue) => Value) | null {
  const { typeId } = type
  const ids = duckdb.DuckDBTypeId
  const plain = [ids.BOOLEAN, ids.TINYINT, ids.SMALLINT, ids.INTEGER, ids.UTINYINT, ids.USMALLINT]
  if ([...plain, ids.UINTEGER, ids.FLOAT, ids.DOUBLE, ids.ENUM].includes(typeId)) return null
  if (typeId === ids.VARCHAR)
    return type.alias === 'JSON'
      ? (value) => (value === null ? null : jsonCell(parseExactJson(value as string)))
      : null
  if ([ids.BIGINT, ids.UBIGINT, ids.HUGEINT, ids.UHUGEINT].includes(typeId))
    return (value) => (value === null ? null : exactNumber(value as bigint))
  if (typeId === ids.DECIMAL)
    return (value) => (value instanceof duckdb.DuckDBDecimalValue ? decimal(value) : null)
  if (typeId === ids.BLOB)
    return (value) =>
      value instanceof duckdb.DuckDBBlobValue ? Buffer.from(value.bytes).toString('base64') : null
  if (typeId === ids.LIST || typeId === ids.ARRAY)
    return listReader(duckdb, (type as { valueType: DuckDBType } & DuckDBType).valueType)
  if ([ids.STRUCT, ids.MAP, ids.UNION].includes(typeId))
    return (value) => (value === null ? null : printExactJson(nested(duckdb, value)))
  // Times and the like, as they are printed.
  return (value) => (value === null ? null : String(value))
}

function decimal(value: { scale: number; value: bigint; toDouble(): number }): number | bigint {
  return value.scale === 0 ? exactNumber(value.value) : value.toDouble()
}

function listReader(duckdb: DuckDb, of: DuckDBType): (value: DuckDBValue) => Value {
  const read = cellReader(duckdb, of)
  return (value) => {
    if (value === null) return null
    const { items } = value as unknown as { items: readonly DuckDBValue[] }
    return read === null ? (items as readonly Value[]) : items.map(read)
  }
}

/** A value of JSON: lists stay lists, and an object is carried as its text. */
function jsonCell(value: ExactJson): Value {
  if (Array.isArray(value)) return (value as readonly ExactJson[]).map(jsonCell)
  return value !== null && typeof value === 'object' ? printExactJson(value) : value
}

function nested(duckdb: DuckDb, value: DuckDBValue): ExactJson {
  if (value === null || typeof value !== 'object') return value
  if (value instanceof duckdb.DuckDBStructValue)
    return Object.fromEntries(
      Object.entries(value.entries).map(([key, each]) => [key, nested(duckdb, each)]),
    )
  if (value instanceof duckdb.DuckDBMapValue)
    return Object.fromEntries(
      value.entries.map((entry) => [String(entry.key), nested(duckdb, entry.value)]),
    )
  if (value instanceof duckdb.DuckDBListValue || value instanceof duckdb.DuckDBArrayValue)
    return value.items.map((each) => nested(duckdb, each))
  if (value instanceof duckdb.DuckDBUnionValue) return nested(duckdb, value.value)
  if (value instanceof duckdb.DuckDBDecimalValue) return decimal(value)
  return String(value)
}
