import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { root } from './places.mjs'

/** By what sources are known: the names and bytes of these files, and of all below these folders. */
export async function sourcesDigest({ files, folders, without = [] }) {
  const below = await Promise.all(folders.map((folder) => filesUnder(folder, without)))
  const hash = createHash('sha256')
  for (const path of [...files, ...below.flat()])
    hash.update(`${path.slice(root.length)}\0`).update(readFileSync(path))
  return hash.digest('hex')
}

async function filesUnder(folder, without) {
  const entries = await readdir(folder, { withFileTypes: true })
  const nested = await Promise.all(
    entries
      .filter((entry) => !without.includes(join(folder, entry.name)))
      .map((entry) => {
        const path = join(folder, entry.name)
        return entry.isDirectory() ? filesUnder(path, without) : [path]
      }),
  )
  // Node 18 has no toSorted.
  // oxlint-disable-next-line unicorn/no-array-sort
  return nested.flat().sort()
}
