import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { TrackedFiles } from '#data'
import { withMovedOut } from '#protocols/dvc/tracked-file'
import { writeWhole } from '#stores/dvc/atomic'

/** The `.dvc` files of a project. */
export function openTrackedFiles(root: string): TrackedFiles {
  return {
    exists: (file) => existsSync(join(root, file)),
    remove: async (file) => rmSync(join(root, file), { force: true }),
    moveOut: async (file, move) => {
      const before = readFileSync(join(root, file), 'utf8')
      const to = join(root, move.toFile)
      mkdirSync(dirname(to), { recursive: true })
      writeWhole(to, withMovedOut(file, before, move))
      if (move.toFile !== file) rmSync(join(root, file), { force: true })
    },
  }
}
