import type { DuckDBStructType, DuckDBType } from '@duckdb/node-api'
import type { ColumnKind } from '#tables'
import type { DuckDb, Session } from '../engine.ts'
import { name as quotedName, type Sql } from '../sql.ts'

/** A column, or a field within one, with the SQL that gives its value. */
export interface Leaf {
  readonly name: string
  readonly value: string
  readonly type: string
  readonly kind: ColumnKind
  readonly isFloat: boolean
}

/** Deeper structs are looked at as a whole. */
const DEPTH_MAX = 8
const LEAVES_MAX = 5000

/** Every column of a relation, and every field of its structs. */
export async function leavesOf(session: Session, from: Sql): Promise<Leaf[]> {
  const shape = await session.connection.run(`select * from ${from.parts[0]} limit 0`)
  const types = shape.columnTypes()
  const leaves = shape.columnNames().flatMap((name, index) =>
    leavesIn(session.duckdb, {
      name,
      value: quotedName(name).parts[0] as string,
      type: types[index] as DuckDBType,
      depth: 0,
    }),
  )
  return leaves.slice(0, LEAVES_MAX)
}

function leavesIn(
  duckdb: DuckDb,
  at: { name: string; value: string; type: DuckDBType; depth: number },
): Leaf[] {
  const kind = kindOf(duckdb, at.type)
  const { FLOAT, DOUBLE } = duckdb.DuckDBTypeId
  const leaf: Leaf = {
    name: at.name,
    value: at.value,
    type: at.type.alias ?? String(at.type),
    kind,
    isFloat: at.type.typeId === FLOAT || at.type.typeId === DOUBLE,
  }
  if (kind !== 'struct' || at.depth >= DEPTH_MAX) return [leaf]
  const { entryNames, entryTypes } = at.type as DuckDBStructType
  const fields = entryNames.flatMap((name, index) =>
    leavesIn(duckdb, {
      name: `${at.name}.${name}`,
      value: `${at.value}.${quotedName(name).parts[0]}`,
      type: entryTypes[index] as DuckDBType,
      depth: at.depth + 1,
    }),
  )
  return [leaf, ...fields]
}

function kindOf(duckdb: DuckDb, { typeId }: DuckDBType): ColumnKind {
  const ids = duckdb.DuckDBTypeId
  const kinds: Readonly<Partial<Record<ColumnKind, readonly number[]>>> = {
    number: [ids.FLOAT, ids.DOUBLE, ids.DECIMAL, ...integers(duckdb)],
    text: [ids.VARCHAR, ids.ENUM, ids.UUID],
    boolean: [ids.BOOLEAN],
    time: [ids.DATE, ids.TIMESTAMP, ids.TIMESTAMP_TZ, ...finerTimes(duckdb)],
    binary: [ids.BLOB],
    list: [ids.LIST, ids.ARRAY],
    map: [ids.MAP],
    struct: [ids.STRUCT],
  }
  const [kind] = Object.entries(kinds).find(([, all]) => all.includes(typeId)) ?? ['other']
  return kind as ColumnKind
}

function integers({ DuckDBTypeId: ids }: DuckDb): readonly number[] {
  const signed = [ids.TINYINT, ids.SMALLINT, ids.INTEGER, ids.BIGINT, ids.HUGEINT]
  const unsigned = [ids.UTINYINT, ids.USMALLINT, ids.UINTEGER, ids.UBIGINT, ids.UHUGEINT]
  return signed.concat(unsigned)
}

function finerTimes({ DuckDBTypeId: ids }: DuckDb): readonly number[] {
  return [ids.TIMESTAMP_S, ids.TIMESTAMP_MS, ids.TIMESTAMP_NS]
}
