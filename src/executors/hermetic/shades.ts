import { chmodSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { stateOf } from './paths.ts'
import { isAt } from './system.ts'

/** Folders with more that is not declared show nothing of it: names are cheap, but not that cheap. */
const SHADES_MAX = 2000

/** What tools keep for themselves beside code; nobody misses it. */
const PASSED_OVER = new Set(['.git', '.dvc', '__pycache__'])

/**
 * Shows of what a stage did not declare that it is there, and nothing else: whoever opens it is refused, and named,
 * where he would have taken another way had it not been there. Only beside what it may see; gives their paths.
 */
export function shadesIn(
  folder: string,
  { root, visible }: { root: string; visible: readonly string[] },
): string[] {
  const shades: string[] = []
  for (const above of foldersAbove(visible)) {
    if (stateOf(join(root, above))?.isDirectory() !== true) continue
    const names = readdirSync(join(root, above), { withFileTypes: true }).filter(
      (entry) =>
        !PASSED_OVER.has(entry.name) &&
        !visible.some((path) => isAt(path, within(above, entry.name))),
    )
    if (names.length > SHADES_MAX) continue
    mkdirSync(join(folder, above), { recursive: true })
    for (const entry of names) {
      const path = within(above, entry.name)
      const place = join(folder, path)
      if (entry.isDirectory()) mkdirSync(place, { mode: 0 })
      else writeFileSync(place, '', { mode: 0 })
      shades.push(path)
    }
  }
  return shades
}

/** Makes them removable again for those who may not do everything. */
export function lighten(folder: string, shades: readonly string[]): void {
  for (const path of shades)
    if (stateOf(join(folder, path))?.isDirectory() === true) chmodSync(join(folder, path), 0o700)
}

function within(folder: string, name: string): string {
  return folder === '' ? name : `${folder}/${name}`
}

/** The folders that lie on the way to paths, the project itself among them. */
function foldersAbove(paths: readonly string[]): Set<string> {
  const folders = new Set([''])
  for (const path of paths) {
    const parts = path.split('/')
    for (let end = 1; end < parts.length; end++) folders.add(parts.slice(0, end).join('/'))
  }
  return folders
}
