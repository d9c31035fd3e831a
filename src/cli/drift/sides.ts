import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Table, TableVersion } from '#tables'
import { withTables } from '../tables/open.ts'

/** The table that people name: a file, a folder, a pattern of files, or one of them `@` a revision or version. */
export async function tableNamed(written: string): Promise<Table> {
  const { path, which } = placeOf(written)
  return withTables(path, (tables, target) => tables.at(target, which))
}

function placeOf(written: string): { path: string; which: TableVersion } {
  const at = written.lastIndexOf('@')
  // A file may have such a sign in its name.
  if (at <= 0 || at === written.length - 1 || existsSync(written))
    return { path: written, which: {} }
  const [path, word] = [written.slice(0, at), written.slice(at + 1)]
  // A number is a version of a table that has its own; anything else is a revision of the project.
  const isOwn = /^\d{1,9}$/.test(word) && existsSync(join(path, '_delta_log'))
  return { path, which: isOwn ? { version: Number(word) } : { rev: word } }
}
