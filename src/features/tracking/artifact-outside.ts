import type { ObjectStore } from '#objects'
import { checkedArtifactPath, type ArtifactFile } from './artifact.ts'
import { isFolder, noSuchArtifact, type ArtifactFolder } from './artifact-folder.ts'
import type { OutsideFiles } from './outside.ts'

/** A few at once hide the way to a bucket; each holds some megabytes. */
const COPIES_AT_ONCE = 4

/** A folder that clients fill by themselves. */
export function outsideFolder(
  uri: string,
  { outside, objects }: { outside: OutsideFiles; objects: ObjectStore },
): ArtifactFolder {
  const at = (path: string) => ({ root: uri, path: path === '' ? '' : checkedArtifactPath(path) })
  const copied = async (folder: string, path: string): Promise<ArtifactFile> => {
    const bytes = await outside.open(at(folder === '' ? path : `${folder}/${path}`))
    return { path, ...(await objects.put(bytes)) }
  }
  return {
    uri,
    put: (path, bytes) => outside.put(at(checkedArtifactPath(path)), bytes),
    find: async (path) => {
      const file = at(checkedArtifactPath(path))
      const found = await outside.find(file)
      if (found !== undefined) return { path, ...found, open: (range) => outside.open(file, range) }
      throw (await outside.list(file)).length > 0 ? isFolder(path) : noSuchArtifact(path)
    },
    list: (path) => outside.list(at(path)),
    files: async (path) => {
      const paths = await outside.walk(at(path))
      const files: ArtifactFile[] = []
      for (let start = 0; start < paths.length; start += COPIES_AT_ONCE) {
        const some = paths.slice(start, start + COPIES_AT_ONCE)
        files.push(...(await Promise.all(some.map((each) => copied(path, each)))))
      }
      return files
    },
    presign: (path, use, expiresSeconds) =>
      outside.presign(at(checkedArtifactPath(path)), use, expiresSeconds),
  }
}
