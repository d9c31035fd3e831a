import { existsSync } from 'node:fs'
import { relative, resolve } from 'node:path'
import { Problem } from '#base/problem'
import type { Tables, TableVersion } from '#tables'
import { calledIn } from '../workspace.ts'

/** Opens the tables of the project around, or of this folder where the path lies in no project. */
export async function withTables<T>(
  written: string,
  use: (tables: Tables, path: string) => Promise<T>,
): Promise<T> {
  assertHere(written)
  const { tables, path } = await opened(written)
  try {
    return await use(tables, path)
  } finally {
    await tables.close()
  }
}

/** Throws `unsupported` for the address of a table that lies elsewhere. */
export function assertHere(written: string): void {
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(written))
    throw new Problem(
      'unsupported',
      `${written} is not on this machine, and orrery reads tables where they lie; copy it here first, with its _delta_log if it is a Delta table, or track it with \`orrery import-url\``,
    )
}

async function opened(written: string) {
  const here = projectAround(written)
  if (here !== undefined) return { tables: await here.tables(), path: here.target(written) }
  const { openLooseTables } = await import('#app/project/tables')
  return { tables: openLooseTables(process.cwd()), path: written }
}

function projectAround(written: string): ReturnType<typeof calledIn> | undefined {
  try {
    const here = calledIn()
    const path = relative(here.root, resolve(written))
    // What lies elsewhere can be looked at too.
    return path.startsWith('..') && existsSync(written) ? undefined : here
  } catch (error) {
    if (error instanceof Problem && error.code === 'not-found') return undefined
    throw error
  }
}

/** Which version the options of a command ask for. */
export function versionFrom(flags: {
  rev?: string | undefined
  tableVersion?: number | undefined
  asOf?: string | undefined
}): TableVersion {
  const { rev, tableVersion: version, asOf } = flags
  if (version !== undefined && (!Number.isSafeInteger(version) || version < 0))
    throw new Problem('invalid', '--table-version takes a whole number from 0')
  const atMs = asOf === undefined ? undefined : Date.parse(asOf)
  if (atMs !== undefined && Number.isNaN(atMs))
    throw new Problem('invalid', `--as-of ${asOf} is no time; write it as 2026-01-31T12:00:00Z`)
  if (version !== undefined && atMs !== undefined)
    throw new Problem('invalid', 'give --table-version or --as-of, not both')
  return { rev, version, atMs }
}
