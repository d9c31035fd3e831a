import { mkdirSync, rmSync, symlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { sha256 } from '#base/digest'
import { Problem } from '#base/problem'
import { calledIn } from '../workspace.ts'

/**
 * A folder in which the data of a path lies as it was at a revision: links into the cache, under the names that the files
 * had. The same data is the same folder, so that work that was cut short is gone on with.
 */
export async function folderAtRevision(written: string, rev: string): Promise<string> {
  const here = calledIn()
  const path = here.path(written)
  const tables = await here.tables()
  try {
    const { files, columns, digest } = await tables.at(path, { rev })
    if (columns !== undefined)
      throw new Problem(
        'invalid',
        `${written} keeps a log of its own, whose rows are not those of its files; predict files instead`,
      )
    const known = digest ?? JSON.stringify(files.map((file) => [file.name, file.path]))
    const folder = join(here.root, '.dvc', 'tmp', 'orrery', 'batch', sha256(known).slice(0, 32))
    rmSync(folder, { recursive: true, force: true })
    for (const file of files) {
      const link = join(folder, file.name)
      mkdirSync(dirname(link), { recursive: true })
      symlinkSync(file.path, link)
    }
    return folder
  } finally {
    await tables.close()
  }
}
