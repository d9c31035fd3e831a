import { existsSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { Problem } from '#base/problem'

/** The project that a folder lies in: the nearest one at or above it that has `.dvc`. Throws `not-found`. */
export function projectRootOf(folder: string): string {
  for (let here = resolve(folder); ; here = dirname(here)) {
    if (existsSync(join(here, '.dvc', 'config')) || existsSync(join(here, '.dvc', '.gitignore')))
      return here
    if (dirname(here) === here)
      throw new Problem(
        'not-found',
        `${resolve(folder)} is not inside a project; run \`orrery init\` at its root`,
      )
  }
}
