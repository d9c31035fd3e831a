import { closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Clock } from '#base/clock'
import { Problem } from '#base/problem'
import { migrations } from '../migrations/index.ts'
import {
  kyselyOn,
  migrateFile,
  openReader,
  openWriter,
  problemOf,
  type Connection,
} from '../sqlite.ts'
import type { Holding, Move, Receiving } from './end.ts'
import { noteIn, quoted, sqliteReads } from './sqlite-end.ts'
import { NOT_MOVED } from './table.ts'
import { valuesIn } from './tuple.ts'

/** What a file holds that is to be moved to, and what became of it. */
export async function lookIntoFile(
  file: string,
): Promise<{ holding: Holding; moves: Move[]; steps: string[] }> {
  if (!existsSync(file)) return { holding: { of: 'nothing' }, moves: [], steps: [] }
  const connection = openReader(file)
  try {
    const names = connection
      .prepare(
        "select name from sqlite_master where type = 'table' and substr(name, 1, 7) <> 'sqlite_'",
      )
      .pluck()
      .all() as string[]
    const { moves, steps } = sqliteReads(connection)
    const read = { moves: await moves(), steps: await steps() }
    if (names[0] !== undefined && !names.includes('migrations'))
      return { ...read, holding: { of: 'strange tables', table: names[0] } }
    const filled = names.find(
      (name) =>
        !NOT_MOVED.has(name) &&
        connection.prepare(`select 1 from ${quoted(name)} limit 1`).get() !== undefined,
    )
    return {
      ...read,
      holding: filled === undefined ? { of: 'nothing' } : { of: 'rows', table: filled },
    }
  } catch (error) {
    if ((error as { code?: string }).code !== 'SQLITE_NOTADB') throw error
    return {
      holding: { of: 'strange tables', table: 'something that is no database' },
      moves: [],
      steps: [],
    }
  } finally {
    connection.close()
  }
}

/**
 * A new SQLite file that takes the place of `file` when it is kept. Until then it has another name, and what an
 * interrupted attempt left under that is thrown away.
 */
export async function receiveInFile(
  file: string,
  { clock, aside, onSetAside }: { clock: Clock; aside: string; onSetAside(name: string): void },
): Promise<Receiving> {
  const half = `${file}.moving`
  let writer = await meant(() => newFile(half, clock))
  let isKept = false
  return {
    place: file,
    ...readsOf(() => writer),
    write: async (table, batches) => {
      const places = table.columns.map(() => '?').join(', ')
      const names = table.columns.map(({ name }) => quoted(name)).join(', ')
      const insert = writer.prepare(
        `insert into ${quoted(table.name)} (${names}) values (${places})`,
      )
      await meant(async () => {
        writer.exec('begin')
        for await (const batch of batches)
          for (const values of valuesIn(batch, table.columns)) insert.run(values)
        writer.exec('commit')
      })
    },
    finish: async () => {
      const broken = writer.pragma('foreign_key_check') as { table: string; parent: string }[]
      const [first] = broken
      if (first !== undefined)
        throw new Problem(
          'conflict',
          `${broken.length} rows of ${first.table} belong to rows of ${first.parent} that are not there; repair the source first`,
        )
      // What is read from here on comes from the file and not from what was kept in memory of it.
      writer.close()
      writer = openWriter(half)
    },
    keep: (move) =>
      meant(async () => {
        noteIn(writer, move)
        writer.close()
        sync(half)
        if (setAside(file, aside)) onSetAside(aside)
        renameSync(half, file)
        sync(dirname(file))
        isKept = true
        writer = openWriter(file)
      }),
    note: async (move) => noteIn(writer, move),
    close: async () => {
      if (writer.open) writer.close()
      if (!isKept) for (const each of filesOf(half)) rmSync(each, { force: true })
    },
  }
}

/** A file with the newest tables and nothing in them; there is none when that fails. */
async function newFile(file: string, clock: Clock): Promise<Connection> {
  const remove = () => {
    for (const each of filesOf(file)) rmSync(each, { force: true })
  }
  remove()
  const writer = openWriter(file)
  try {
    await migrateFile({ connection: writer, db: kyselyOn(writer), file, clock }, migrations)
    // The file counts for nothing before it is whole, so that nothing in it needs to last until then.
    for (const setting of ['journal_mode = off', 'synchronous = off', 'foreign_keys = off'])
      writer.pragma(setting)
    writer.pragma('cache_size = -65536')
    return writer
  } catch (error) {
    writer.close()
    remove()
    throw error
  }
}

function readsOf(connection: () => Connection): ReturnType<typeof sqliteReads> {
  return {
    steps: () => sqliteReads(connection()).steps(),
    moves: () => sqliteReads(connection()).moves(),
    tables: () => sqliteReads(connection()).tables(),
    rows: (table, onMisfit) => sqliteReads(connection()).rows(table, onMisfit),
    evidence: () => sqliteReads(connection()).evidence(),
  }
}

/** A file that holds a finished copy, to be compared and put to use. */
export function openFileEnd(
  file: string,
): Pick<Receiving, 'tables' | 'rows' | 'evidence' | 'note' | 'close'> {
  const writer = openWriter(file)
  return {
    ...sqliteReads(writer),
    note: async (move) => noteIn(writer, move),
    close: async () => {
      if (writer.open) writer.close()
    },
  }
}

/** Gives a file that is no more used, or holds nothing, another name. */
function setAside(file: string, aside: string): boolean {
  if (!existsSync(file)) return false
  // Closing the last connection brings into the file what stands beside it.
  openWriter(file).close()
  if (existsSync(`${file}-wal`))
    throw new Problem('conflict', `${file} is open in another program; close that and try again`)
  renameSync(file, aside)
  return true
}

const filesOf = (file: string) => ['', '-wal', '-shm', '-journal'].map((end) => `${file}${end}`)

function sync(path: string): void {
  const descriptor = openSync(path, 'r')
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}

async function meant<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw problemOf(error) ?? error
  }
}
