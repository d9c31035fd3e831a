import { lstatSync, realpathSync, type Stats } from 'node:fs'
import { dirname, join, relative, sep } from 'node:path'
import { Problem } from '#base/problem'
import { isMissing } from './measure.ts'

/**
 * Throws where writing these files of an out would write elsewhere: where a folder on their way is a link, and
 * where two of them would be one file on a disk that takes no notice of case. Paths are the project's.
 */
export function checkPlaces(root: string, top: string, files: readonly string[]): void {
  const folders = new Set<string>()
  for (const file of files)
    for (
      let folder = dirname(file);
      folder !== '.' && !folders.has(folder);
      folder = dirname(folder)
    )
      folders.add(folder)
  for (const folder of folders) checkFolder(root, top, folder)
  if (files.length > 1 && foldsCase(root)) checkCase(top, files)
}

function checkFolder(root: string, top: string, folder: string): void {
  const path = join(root, folder)
  if (lookAt(path)?.isSymbolicLink() !== true) return
  const target = relative(realpathSync(root), realpathSync(path))
  const [first] = target.split(sep)
  const leadsOut = first === '..' || first === '' || target.startsWith(sep)
  const isOwn = first === '.git' || first === '.dvc'
  if (!leadsOut && !isOwn && !folder.startsWith(`${top}/`)) return
  throw new Problem(
    'invalid',
    `${top} cannot be written: ${folder} is a link that leads to ${realpathSync(path)}; remove the link, or put a folder in its place`,
  )
}

function checkCase(top: string, files: readonly string[]): void {
  const seen = new Map<string, string>()
  for (const file of files) {
    const folded = file.toLowerCase()
    const other = seen.get(folded)
    if (other !== undefined)
      throw new Problem(
        'invalid',
        `${top} cannot be written: ${other} and ${file} would be one file on this disk, which takes no notice of case`,
      )
    seen.set(folded, file)
  }
}

/** Every project has a folder `.dvc`, so that its name in capitals tells. */
function foldsCase(root: string): boolean {
  const own = lookAt(join(root, '.dvc'))
  return own !== undefined && lookAt(join(root, '.DVC'))?.ino === own.ino
}

function lookAt(path: string): Stats | undefined {
  try {
    return lstatSync(path)
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}
