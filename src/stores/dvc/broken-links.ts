import { lstatSync, readdirSync, type Stats } from 'node:fs'
import { join } from 'node:path'
import { isMissing, statOf } from './measure.ts'

/** Links at and below a path of the project that lead to nothing, as they do when their object is gone. */
export function brokenLinksBelow(root: string, path: string): string[] {
  const stats = lookedAt(join(root, path))
  if (stats === undefined) return []
  if (stats.isSymbolicLink()) return statOf(join(root, path)) === undefined ? [path] : []
  if (!stats.isDirectory()) return []
  return readdirSync(join(root, path), { withFileTypes: true })
    .filter((entry) => entry.isDirectory() || entry.isSymbolicLink())
    .flatMap(({ name }) => brokenLinksBelow(root, `${path}/${name}`))
}

function lookedAt(path: string): Stats | undefined {
  try {
    return lstatSync(path)
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}
