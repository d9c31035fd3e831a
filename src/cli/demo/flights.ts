import { DuckDBInstance } from '@duckdb/node-api'

/** A flight as the airline's own system would know it before departure, and what turned out later. */
export interface Flight {
  /** The columns that are sent to the endpoint. */
  readonly row: readonly (string | number | null)[]
  readonly id: number
  readonly hourMs: number
  /** Null for a flight that was cancelled or diverted: its truth never comes. */
  readonly late: 0 | 1 | null
  readonly landedMs: number
}

export interface Month {
  readonly name: string
  readonly columns: readonly string[]
  /** By scheduled hour of departure, in order. */
  readonly hours: ReadonlyMap<number, readonly Flight[]>
}

const HOUR_MS = 3_600_000
/** Miles in an hour, and the minutes on the ground: the data has no landing time, so it is worked out. */
const CRUISE_MPH = 450
const TAXI_MS = 45 * 60_000

/** Reads one month's file into its scheduled hours. */
export async function readMonth(path: string, name: string): Promise<Month> {
  const instance = await DuckDBInstance.create(':memory:')
  const connection = await instance.connect()
  try {
    const reader = await connection.runAndReadAll(
      "select epoch_ms(time_hour)::double as hour_ms, late::int as late, * exclude (late) replace (strftime(time_hour, '%Y-%m-%dT%H:%M:%SZ') as time_hour) from read_parquet($path) order by time_hour, flight_id",
      { path },
    )
    const [, , ...columns] = reader.columnNames()
    const hours = new Map<number, Flight[]>()
    for (const values of reader.getRowsJS()) {
      const flight = flightOf(values as (string | number | bigint | null)[], columns)
      hours.set(flight.hourMs, [...(hours.get(flight.hourMs) ?? []), flight])
    }
    return { name, columns, hours }
  } finally {
    connection.closeSync()
    instance.closeSync()
  }
}

function flightOf(
  [hour, late, ...rest]: (string | number | bigint | null)[],
  columns: readonly string[],
): Flight {
  const row = rest.map((value) => (typeof value === 'bigint' ? Number(value) : value))
  const at = (column: string) => row[columns.indexOf(column)]
  const hourMs = Number(hour)
  const lateness = late === null || late === undefined ? null : Number(late) === 1 ? 1 : 0
  const airborneMs = (Number(at('distance')) / CRUISE_MPH) * HOUR_MS
  return {
    row,
    id: Number(at('flight_id')),
    hourMs,
    late: lateness,
    landedMs:
      hourMs +
      Number(at('minute') ?? 0) * 60_000 +
      airborneMs +
      TAXI_MS +
      (lateness === 1 ? HOUR_MS : 0),
  }
}
