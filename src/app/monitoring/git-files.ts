import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Problem } from '#base/problem'
import { writeWhole } from '#stores/dvc/atomic'
import { git } from '../git.ts'

const run = promisify(execFile)

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
      const { stdout } = await run('git', ['cat-file', 'blob', digest], {
        cwd: mirror,
        encoding: 'buffer',
        maxBuffer: BYTES_MAX + 1,
      })
      writeWhole(file, stdout)
      return file
    },
  }
}
