import BetterSqlite from 'better-sqlite3'
import { createHash } from 'node:crypto'
import { systemClock } from '#base/clock'
import { randomIds } from '#base/ids'
import { openSqlStore } from '#stores/sql/index'

// The same runs in the database of either server, written while it is stopped: ten params, ten tags and twenty
// metrics each. Their values are made out of their places, so that both servers are asked about the same runs.

const PARAMS = 10
const TAGS = 10
const METRICS = 20
const BEGAN_MS = 1_700_000_000_000

/** The metric whose history is long, and how many points it has. */
export const LONG = { run: runId(0), key: 'm0', points: 1_000_000 }

function runId(index: number): string {
  return createHash('md5').update(`run ${index}`).digest('hex')
}

/** A number from 0 up to 1 that is always the same for the same run and place: a step of the SplitMix32 generator. */
function share(index: number, place: number): number {
  let mixed = (index * 64 + place + 1) * 0x9e3779b9
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x21f0aaad)
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97)
  return ((mixed ^ (mixed >>> 15)) >>> 0) / 2 ** 32
}

const PARAM_KEYS = Array.from({ length: PARAMS }, (_, at) => `p${at}`)
const TAG_KEYS = Array.from({ length: TAGS }, (_, at) => `t${at}`)
const METRIC_KEYS = Array.from({ length: METRICS }, (_, at) => `m${at}`)
const params = (index: number) =>
  PARAM_KEYS.map((key, at) => ({ key, value: String(Math.floor(share(index, at) * 10)) }))
const tags = (index: number) =>
  TAG_KEYS.map((key, at) => ({ key, value: `v${Math.floor(share(index, 20 + at) * 100)}` }))
const metrics = (index: number) =>
  METRIC_KEYS.map((key, at) => ({ key, value: share(index, 40 + at), step: 0, atMs: BEGAN_MS }))

function point(step: number) {
  return { key: LONG.key, value: 1 / step, step, atMs: BEGAN_MS + step * 50 }
}

/** Writes `count` runs into our tables, and with `long` the long history as the server itself would. */
export async function fillOrrery(file: string, count: number, long: boolean): Promise<void> {
  const { database, insert } = openForFilling(file)
  const runs = insert(
    'runs',
    'run_id, experiment_id, name, user_id, status, start_ms, end_ms, artifact_uri, lifecycle',
  )
  const [param, tag] = [
    insert('run_params', 'run_id, key, value'),
    insert('run_tags', 'run_id, key, value'),
  ]
  const series = insert('metric_series', 'run_id, key, value, at_ms, step, is_nan')
  const points = insert('metric_points', 'series_id, value, at_ms, step, is_nan')
  database.exec('begin')
  for (let index = 0; index < count; index++) {
    const { id, start, uri } = runOf(index)
    runs.run(id, 0, `run-${index}`, 'bench', 'finished', start, start + 500, uri, 'active')
    for (const { key, value } of params(index)) param.run(id, key, value)
    for (const { key, value } of tags(index)) tag.run(id, key, value)
    for (const { key, value, step, atMs } of metrics(index)) {
      const { lastInsertRowid } = series.run(id, key, value, atMs, step, 0)
      points.run(lastInsertRowid, value, atMs, step, 0)
    }
  }
  database.exec('commit')
  database.close()
  if (long) await logLongHistory(file)
}

async function logLongHistory(file: string): Promise<void> {
  const store = await openSqlStore(file, { clock: systemClock, ids: randomIds })
  const run = await store.read.tracking.findRun(LONG.run)
  if (run === undefined) throw new Error('the run of the long history is missing')
  for (let first = 1; first <= LONG.points; first += 1000) {
    const some = Array.from({ length: 1000 }, (_, at) => point(first + at))
    await store.transact(({ tracking }) => tracking.appendMetrics(run, some))
  }
  await store.close()
}

/** A database to be filled quickly: nothing is lost that could not be made again. */
function openForFilling(file: string) {
  const database = new BetterSqlite(file)
  database.pragma('synchronous = off')
  database.pragma('cache_size = -1000000')
  const insert = (table: string, columns: string) =>
    database.prepare(
      `insert into ${table} (${columns}) values (${columns.replaceAll(/\w+/g, '?')})`,
    )
  return { database, insert }
}

function runOf(index: number): { id: string; start: number; uri: string } {
  const id = runId(index)
  return { id, start: BEGAN_MS + index, uri: `mlflow-artifacts:/0/${id}/artifacts` }
}

/** The same in the tables that MLflow made. */
export function fillMlflow(file: string, count: number): void {
  const { database, insert } = openForFilling(file)
  const runs = insert(
    'runs',
    'run_uuid, name, source_type, source_name, entry_point_name, user_id, status, start_time, end_time, source_version, lifecycle_stage, artifact_uri, experiment_id',
  )
  const [param, tag] = [
    insert('params', 'run_uuid, key, value'),
    insert('tags', 'run_uuid, key, value'),
  ]
  const newest = insert('latest_metrics', 'run_uuid, key, value, timestamp, step, is_nan')
  const history = insert('metrics', 'run_uuid, key, value, timestamp, step, is_nan')
  database.exec('begin')
  for (let index = 0; index < count; index++) {
    const { id, start, uri } = runOf(index)
    runs.run(
      id,
      `run-${index}`,
      'UNKNOWN',
      '',
      '',
      'bench',
      'FINISHED',
      start,
      start + 500,
      '',
      'active',
      uri,
      0,
    )
    for (const { key, value } of params(index)) param.run(id, key, value)
    for (const { key, value } of tags(index)) tag.run(id, key, value)
    for (const { key, value, step, atMs } of metrics(index)) {
      newest.run(id, key, value, atMs, step, 0)
      history.run(id, key, value, atMs, step, 0)
    }
  }
  for (let step = 1; step <= LONG.points; step++) {
    const { key, value, atMs } = point(step)
    history.run(LONG.run, key, value, atMs, step, 0)
  }
  database.exec('commit')
  database.close()
}
