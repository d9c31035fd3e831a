import { mkdirSync, renameSync } from 'node:fs'
import { dirname, join } from 'node:path'

/**
 * Renames an object whose bytes are not those of its name to where `fsck` keeps such, out of dvc's sight:
 * they may be all that is left of somebody's work. It stays where it is on a disk that cannot be written to.
 */
export function putDamagedAside(path: string, atMs: number): void {
  const [, folder, place] = /^(.*?)\/((?:files\/md5\/)?[0-9a-f]{2}\/[^/]+)$/.exec(path) ?? []
  if (folder === undefined || place === undefined) return
  const bag = new Date(atMs).toISOString().replaceAll(':', '-')
  const to = join(folder, 'orrery', 'damaged', bag, place)
  try {
    mkdirSync(dirname(to), { recursive: true })
    renameSync(path, to)
  } catch {
    // Whoever asked for it is told that it is damaged, or not there.
  }
}
