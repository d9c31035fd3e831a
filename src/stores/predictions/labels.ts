import type { Scalar } from '#inference'
import type { PredictionRow } from '#serving'
import { rowOfPlace, type Connection } from './database.ts'
import { predictionRowOf, type OpenRow } from './rows.ts'

interface TruthColumns {
  readonly label: string
  readonly time_ms: number | null
  readonly at_ms: number
}

export interface KnownTruth {
  readonly label: Scalar
  readonly timeMs: number | null
  readonly atMs: number
}

/** Finds what turned out to be true: by prediction, or else by entity. */
export function labelReader(connection: Connection) {
  // The list drives the join; the other way round, every truth would look through the list.
  const selectMany = connection.prepare(
    `select t.ref, t.label from json_each(?) j
     cross join truths t on t.endpoint = ? and t.kind = ? and t.ref = j.value`,
  )
  const selectOne = connection.prepare(
    'select label, time_ms, at_ms from truths where endpoint = ? and kind = ? and ref = ?',
  )
  const any = connection.prepare('select 1 from truths where endpoint = ? and kind = ? limit 1')
  const found = (endpoint: number, kind: string, refs: () => (string | null)[]) => {
    if (any.get(endpoint, kind) === undefined) return new Map<string, Scalar>()
    const unique = [...new Set(refs())].filter((ref) => ref !== null)
    const rows = selectMany.all(JSON.stringify(unique), endpoint, kind) as {
      ref: string
      label: string
    }[]
    return new Map(rows.map(({ ref, label }) => [ref, JSON.parse(label) as Scalar]))
  }

  return {
    join: (endpoint: number, rows: readonly OpenRow[]): PredictionRow[] => {
      const byId = found(endpoint, 'prediction', () => rows.map(idOf))
      const byKey = found(endpoint, 'key', () => rows.map((row) => row.key))
      return rows.map((row) =>
        predictionRowOf(row, byId.get(idOf(row)) ?? byKey.get(row.key ?? '') ?? null),
      )
    },
    of: (endpoint: number, row: OpenRow): KnownTruth | null => {
      const known = (selectOne.get(endpoint, 'prediction', idOf(row)) ??
        (row.key === null ? undefined : selectOne.get(endpoint, 'key', row.key))) as
        | TruthColumns
        | undefined
      return known === undefined
        ? null
        : {
            label: JSON.parse(known.label) as Scalar,
            timeMs: known.time_ms,
            atMs: known.at_ms,
          }
    },
  }
}

function idOf(row: OpenRow): string {
  return `${row.batch}-${rowOfPlace(row.place)}`
}
