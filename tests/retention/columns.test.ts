import { expect, test } from 'vitest'
import {
  KEPT_TABLES,
  EXPERIMENT_TABLES,
  LOGGED_MODEL_TABLES,
  rowsOfRun,
  RUN_TABLES,
} from '#stores/sql/retention/rows'
import { OBJECT_COLUMNS, OTHER_DIGESTS } from '#stores/sql/retention/referrers'
import BetterSqlite from 'better-sqlite3'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openRetention } from '../support/retention.ts'

/** Every column of the metadata store, as `table.column`. */
async function columns(): Promise<string[]> {
  const home = await mkdtemp(join(tmpdir(), 'orrery-columns-'))
  const world = await openRetention({ home })
  await world.close()
  const db = new BetterSqlite(join(home, 'orrery.db'), { readonly: true })
  const tables = db
    .prepare(`select name from sqlite_master where type = 'table' and name not like 'sqlite_%'`)
    .pluck()
    .all() as string[]
  const found = tables.flatMap((table) =>
    (db.pragma(`table_info(${table})`) as { name: string }[]).map(({ name }) => `${table}.${name}`),
  )
  db.close()
  await rm(home, { recursive: true, force: true })
  return found
}

const refersToObjects = OBJECT_COLUMNS.map(({ table, column }) => `${table}.${column}`)

test('every column with a digest is known to refer to objects, or known not to', async () => {
  const named = (await columns()).filter((name) =>
    /digest|sha256|object/.test(name.split('.')[1] ?? ''),
  )
  const unknown = named.filter(
    (name) => !refersToObjects.includes(name as never) && !Object.hasOwn(OTHER_DIGESTS, name),
  )
  expect(
    unknown,
    'add each to OBJECT_COLUMNS or OTHER_DIGESTS of stores/sql/retention/referrers.ts',
  ).toEqual([])
})

test('every column that is said to hold digests is there', async () => {
  const there = await columns()
  const gone = [...refersToObjects, ...Object.keys(OTHER_DIGESTS)].filter(
    (name) => !there.includes(name),
  )
  expect(gone).toEqual([])
})

test('every table that names a run, an experiment or a logged model goes with it, or is known to stay', async () => {
  const going = new Set(
    [...RUN_TABLES, ...LOGGED_MODEL_TABLES, ...EXPERIMENT_TABLES].map(
      ({ table, column }) => `${table}.${column}`,
    ),
  )
  const owners = new Set(['runs.run_id', 'experiments.experiment_id', 'logged_models.model_id'])
  const unknown = (await columns())
    .filter((name) =>
      /^(run_id|experiment|experiment_id|model_id|logged_model_id|source_run_id)$/.test(
        name.split('.')[1] ?? '',
      ),
    )
    .filter((name) => !going.has(name) && !owners.has(name) && !Object.hasOwn(KEPT_TABLES, name))
  expect(unknown, 'add each to a list of stores/sql/retention/rows.ts').toEqual([])
})

test('every table that holds points of a metric goes with its run', async () => {
  const ofSeries = (await columns()).filter((name) => name.endsWith('.series_id'))
  const going = new Set(rowsOfRun('a run', null).map(({ table }) => `${table}.series_id`))
  expect(ofSeries.filter((name) => !going.has(name))).toEqual([])
})
