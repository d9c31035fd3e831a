import { Problem } from '#base/problem'
import type { HourProfile, ToldProfile, ToldRecorded } from '#serving'
import { emptySketch } from '#sketches'
import { HOUR_MS } from './append.ts'
import type { Connection } from './database.ts'
import type { NameTable } from './names.ts'
import { columnName, LATENCY, type Hour } from './profile-hours.ts'
import { bodyOf, hourIn, profileOf, type ProfileRow } from './profile-reader.ts'

/** The statements that add profiles of other systems, inside a transaction that the caller began. */
export function toldProfileKeeper(
  connection: Connection,
  names: NameTable,
  advance: (endpoint: string, timeMs: number) => void,
) {
  const find = connection
    .prepare('select said from told_profiles where endpoint = ? and digest = ?')
    .pluck()
  const add = connection.prepare(
    `insert into told_profiles (endpoint, digest, said, hour, revision, model_version, rows, body)
     values (?, ?, ?, ?, ?, ?, ?, ?)`,
  )
  const count = connection.prepare(
    `insert into hours (endpoint, hour, predictions, labels) values (?, ?, ?, 0)
     on conflict do update set predictions = predictions + excluded.predictions`,
  )
  return (told: ToldProfile): ToldRecorded => {
    const { endpoint, digest, said, revision, modelVersion, rows } = told
    const id = names.endpoint(endpoint)
    const known = find.get(id, digest) as string | undefined
    if (known === said) return { accepted: 0, unchanged: rows }
    if (known !== undefined)
      throw new Problem(
        'exists',
        `this profile of ${endpoint} was told before as something else; what it is of, and what its columns are, cannot be said again`,
      )
    const hour = hourOf(told)
    add.run(id, digest, said, hour.hour, revision, modelVersion, rows, bodyOf(hour))
    count.run(id, hour.hour, rows)
    advance(endpoint, told.untilMs)
    return { accepted: rows, unchanged: 0 }
  }
}

function hourOf({ startMs, revision, modelVersion, rows, inputs, outputs }: ToldProfile): Hour {
  const columns = new Map([[LATENCY, emptySketch()]])
  for (const [name, sketch] of inputs) columns.set(columnName('input', name), sketch)
  for (const [name, sketch] of outputs) columns.set(columnName('output', name), sketch)
  return { hour: Math.floor(startMs / HOUR_MS), revision, modelVersion, rows, columns }
}

/** Puts what was told of a span among the hours that were made of rows, in the order of time. */
export function toldProfileReader(connection: Connection) {
  const names = connection.prepare(
    `select p.digest, p.hour from told_profiles p join endpoints e on e.id = p.endpoint
     where e.name = ? and p.hour >= ? and p.hour < ? order by p.hour, p.digest`,
  )
  const find = connection.prepare(
    `select p.* from told_profiles p join endpoints e on e.id = p.endpoint
     where e.name = ? and p.digest = ?`,
  )
  return async function* (
    endpoint: string,
    { fromMs, toMs }: { fromMs: number; toMs: number },
    hours: AsyncIterable<HourProfile>,
  ): AsyncGenerator<HourProfile> {
    const span = [Math.ceil(fromMs / HOUR_MS), Math.floor(toMs / HOUR_MS)]
    const told = names.all(endpoint, ...span) as { digest: string; hour: number }[]
    let next = 0
    const until = function* (startMs: number): Generator<HourProfile> {
      for (; next < told.length; next++) {
        const { digest, hour } = told[next] as (typeof told)[number]
        if (hour * HOUR_MS > startMs) return
        const row = find.get(endpoint, digest) as ProfileRow
        yield { ...profileOf(hourIn(row)), told: true }
      }
    }
    for await (const hour of hours) {
      yield* until(hour.startMs)
      yield hour
    }
    yield* until(Infinity)
  }
}
