import { Problem } from '#base/problem'
import type { DataDependencies } from './dependencies.ts'

/** All are checked before anything is changed. */
export async function unprotectAll(
  { workspace }: DataDependencies,
  paths: readonly string[],
): Promise<void> {
  for (const path of paths)
    if (!(await workspace.exists(path)))
      throw new Problem('not-found', `${path} does not exist; name data that is here`)
  for (const path of paths) await workspace.unlink(path)
}
