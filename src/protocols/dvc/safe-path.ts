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
  let last = ''
  for (const path of paths) {
    const fault = listedPathFault(path)
    if (fault !== undefined) return `names ${JSON.stringify(path)}, which ${fault}`
    const folder = path.slice(0, Math.max(0, path.lastIndexOf('/')))
    if (folder !== last) for (const each of parentsOf(path)) folders.add(each)
    last = folder
  }
  const seen = new Set<string>()
  for (const path of paths) {
    if (seen.has(path)) return `names ${JSON.stringify(path)} twice`
    if (folders.has(path)) return `names ${JSON.stringify(path)} as a file and as a folder`
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
