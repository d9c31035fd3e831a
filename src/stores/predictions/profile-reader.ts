import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { invariant } from '#base/invariant'
import type { HourProfile } from '#serving'
import { decodeSketches, emptySketch, encodeSketches, type ColumnSketch } from '#sketches'
import { HOUR_MS } from './append.ts'
import type { Connection } from './database.ts'
import { LATENCY, type Hour } from './profile-hours.ts'

export interface ProfileRow {
  readonly hour: number
  readonly revision: number
  readonly model_version: string
  readonly rows: number
  readonly body: Buffer
}

const FAST = { params: { [constants.ZSTD_c_compressionLevel]: 1 } }

export function bodyOf({ columns }: Hour): Buffer {
  return zstdCompressSync(encodeSketches(columns), FAST)
}

export function hourIn({ hour, revision, model_version, rows, body }: ProfileRow): Hour {
  const columns = decodeSketches(zstdDecompressSync(body))
  return { hour, revision, modelVersion: model_version, rows, columns }
}

/** Reads the hours of a span one after the other, so that a year of them needs the room of one. */
export function profileReader(connection: Connection) {
  const names = connection.prepare(
    'select hour, revision, model_version from profiles where endpoint = ? and hour >= ? and hour < ? order by hour, revision, model_version',
  )
  const find = connection.prepare(
    'select * from profiles where endpoint = ? and hour = ? and revision = ? and model_version = ?',
  )
  return async function* (
    endpoint: number,
    { fromMs, toMs }: { fromMs: number; toMs: number },
  ): AsyncGenerator<HourProfile> {
    const span = [Math.ceil(fromMs / HOUR_MS), Math.floor(toMs / HOUR_MS)]
    const found = names.all(endpoint, ...span) as Omit<ProfileRow, 'rows' | 'body'>[]
    for (const { hour, revision, model_version } of found) {
      const row = find.get(endpoint, hour, revision, model_version) as ProfileRow | undefined
      if (row !== undefined) yield profileOf(hourIn(row))
    }
  }
}

export function profileOf({ hour, revision, modelVersion, rows, columns }: Hour): HourProfile {
  const named = (prefix: string) =>
    new Map<string, ColumnSketch>(
      [...columns]
        .filter(([name]) => name.startsWith(prefix))
        .map(([name, sketch]) => [name.slice(prefix.length), sketch]),
    )
  const latencyMs = columns.get(LATENCY)
  invariant(rows === 0 || latencyMs !== undefined, 'every row says how long it took')
  return {
    startMs: hour * HOUR_MS,
    revision,
    modelVersion,
    rows,
    inputs: named('input/'),
    outputs: named('output/'),
    latencyMs: latencyMs ?? emptySketch(),
  }
}
