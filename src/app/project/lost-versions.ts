import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { Problem } from '#base/problem'
import type { Tables } from '#tables'
import { datasetsAt, type Dataset } from './datasets.ts'

/** A dataset whose version in `dvc.lock` can no longer be read, and why. */
export interface LostVersion {
  readonly name: string
  readonly reason: string
}

/**
 * Of these datasets those at a version of a Delta table whose files are gone: a VACUUM takes what only older versions
 * need. A table that is not on this machine at all is not looked at: a stage may read it elsewhere.
 */
export async function lostVersions(
  root: string,
  { files, names }: { files: readonly string[]; names: readonly string[] },
  tables: () => Promise<Tables & { close(): Promise<void> }>,
): Promise<LostVersion[]> {
  const wanted = files
    .flatMap((file) => datasetsAt(root, file))
    .filter((each) => names.includes(each.name) && isDeltaHere(root, each))
  if (wanted.length === 0) return []
  const opened = await tables()
  try {
    const lost: LostVersion[] = []
    for (const dataset of wanted) {
      const reason = await reasonOf(opened, dataset)
      if (reason !== undefined) lost.push({ name: dataset.name, reason })
    }
    return lost
  } finally {
    await opened.close()
  }
}

function isDeltaHere(root: string, { type, url, version, ...at }: Dataset): boolean {
  if (type !== 'url' || version === null || /^[a-z][a-z0-9+.-]*:\/\//i.test(url)) return false
  return existsSync(join(root, dirname(at.file), url, '_delta_log'))
}

async function reasonOf(
  tables: Tables,
  { name, file, url, version }: Dataset,
): Promise<string | undefined> {
  try {
    await tables.at(join(dirname(file), url), { version: Number(version) })
    return undefined
  } catch (error) {
    if (!(error instanceof Problem) || error.code !== 'not-found') throw error
    return `ds://${name} is at version ${version ?? ''}, which cannot be read any more: ${error.message}; \`orrery dataset update ${name}\` takes the newest`
  }
}
