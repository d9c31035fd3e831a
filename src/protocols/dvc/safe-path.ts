import { posix } from 'node:path'

/** Why an output must not lie at a path that is told from the project's root; undefined where it may. */
export function outPathFault(path: string): string | undefined {
  if (path.includes('\0')) return 'has a NUL in it'
  if (posix.isAbsolute(path)) return 'is absolute, and data lies inside the project'
  if (path === '' || path === '.') return 'is the whole project'
  if (path.split('/').includes('..')) return 'leads out of the project'
  return ownFolderFault(path)
}

/** Git and DVC keep their own files there; some file systems take no notice of case. */
function ownFolderFault(path: string): string | undefined {
  const own = path.split('/').find((part) => OWN.has(part.toLowerCase()))
  return own === undefined ? undefined : `lies in ${own}, where no data belongs`
}

const OWN: ReadonlySet<string> = new Set(['.git', '.dvc', '.hg'])

/** Why these cannot be the paths of a folder's files; undefined where they can. */
export function listedPathsFault(paths: readonly string[]): string | undefined {
  const folders = new Set<string>()
  let last: string | undefined
  for (const path of paths) {
    const folder = path.slice(0, path.lastIndexOf('/') + 1)
    // Most lie in the folder of the one before.
    if (folder === last && isPlain(path.slice(folder.length))) continue
    const fault = listedPathFault(path)
    if (fault !== undefined) return `names ${JSON.stringify(path)}, which ${fault}`
    for (const each of parentsOf(path)) folders.add(each)
    last = folder
  }
  const twice = isAscending(paths) ? undefined : firstTwice(paths)
  if (twice !== undefined) return `names ${JSON.stringify(twice)} twice`
  const both = paths.find((path) => folders.has(path))
  return both === undefined ? undefined : `names ${JSON.stringify(both)} as a file and as a folder`
}

/** Whether nothing can be wrong with a name in a folder with which nothing is. */
function isPlain(name: string): boolean {
  return name !== '' && !name.startsWith('.') && !name.includes('\0')
}

/** As DVC lists them: then each is there once. */
function isAscending(paths: readonly string[]): boolean {
  for (let index = 1; index < paths.length; index++)
    if ((paths[index - 1] ?? '') >= (paths[index] ?? '')) return false
  return true
}

function firstTwice(paths: readonly string[]): string | undefined {
  const seen = new Set<string>()
  for (const path of paths) {
    if (seen.has(path)) return path
    seen.add(path)
  }
  return undefined
}

/** A list is read from a remote that others write to: it must not name files outside its folder. */
function listedPathFault(path: string): string | undefined {
  if (path === '') return 'is no name'
  if (path.startsWith('/')) return 'is absolute'
  if (path.includes('\0')) return 'has a NUL in it'
  const parts = path.split('/')
  if (parts.includes('..')) return 'leads out of the folder'
  if (parts.includes('') || parts.includes('.')) return 'is not written as DVC writes paths'
  return ownFolderFault(path)
}

function parentsOf(path: string): string[] {
  const parts = path.split('/')
  return parts.slice(1).map((_, index) => parts.slice(0, index + 1).join('/'))
}
