import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { Problem } from '#base/problem'
import { writeWhole } from '#stores/dvc/atomic'
import { openGitObjects } from '#stores/dvc/git-objects'
import { git } from '../data/git.ts'

/** Larger files are data, and have no place in Git. */
const BYTES_MAX = 64 * 1024 * 1024

export interface GitFile {
  /** Git's name of its content. */
  readonly digest: string
  /** Lays it into a folder, by its content; gives its path. */
  laidInto(folder: string): Promise<string>
}

/** A file as a commit holds it; undefined where the commit has none of this name. */
export async function fileInGit(
  mirror: string,
  { commit, path }: { commit: string; path: string },
): Promise<GitFile | undefined> {
  const asked = ['--literal-pathspecs', 'ls-tree', '-z', '-l', commit, '--', path]
  const listed = await git(mirror, asked)
  const [, digest, size] = /^100\d{3} blob ([0-9a-f]+) +(\d+)\t/.exec(listed) ?? []
  if (digest === undefined) return undefined
  if (Number(size) > BYTES_MAX)
    throw new Problem(
      'limit',
      `${path} in Git has ${size} bytes, and no more than ${BYTES_MAX} are read from there; track it with "orrery add ${path}" and push`,
    )
  return {
    digest,
    laidInto: async (folder) => {
      const file = join(folder, digest)
      if (existsSync(file)) return file
      const objects = openGitObjects(mirror)
      try {
        const blob = await objects.read(digest)
        if (blob === undefined) throw new Problem('not-found', `Git lost ${path}; run \`git fsck\``)
        writeWhole(file, blob.bytes)
      } finally {
        objects.close()
      }
      return file
    },
  }
}
