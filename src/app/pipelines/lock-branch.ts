import type { Logger } from '#base/logger'
import { messageOf } from '#base/problem'
import type { RunRequest } from '#pipelines'
import { git } from '../data/git.ts'
import type { NewLock } from './new-lock.ts'

/** Of one call of git: the operating system takes no command line of any length. */
const PATHS_AT_ONCE = 500

/**
 * Commits what the run changed in the project's files and offers it to the origin as a branch; nobody's work is
 * touched. Gives the branch, or null where nothing changed or the origin takes none.
 */
export async function publishLock(
  folder: string,
  { request, lock }: { request: RunRequest; lock: NewLock },
  logger: Logger,
): Promise<string | null> {
  const branch = `orrery/${request.id}`
  await stage(folder, lock.paths)
  // A run that was gone on with may have committed before it was stopped.
  if ((await git(folder, ['diff', '--cached', '--name-only'])).trim() !== '')
    await git(folder, ['commit', '--quiet', '--cleanup=verbatim', '--message', lock.message])
  else if ((await git(folder, ['rev-parse', 'HEAD'])).trim() === request.commit) return null
  try {
    await git(folder, ['push', '--quiet', '--force', 'origin', `HEAD:refs/heads/${branch}`])
    return branch
  } catch (error) {
    // The model is made and recorded; a read-only origin only lacks the convenience of the branch.
    logger.warn(
      { project: request.order.project, branch, error: messageOf(error) },
      'could not push the new lock',
    )
    return null
  }
}

/** What Git has already, and of what it has not only the paths that the run may add. */
async function stage(folder: string, paths: readonly string[]): Promise<void> {
  await git(folder, ['add', '--update'])
  for (let at = 0; at < paths.length; at += PATHS_AT_ONCE) {
    const some = paths.slice(at, at + PATHS_AT_ONCE).map((path) => `:(literal)${path}`)
    const others = ['ls-files', '--others', '--exclude-standard', '-z', '--', ...some]
    const found = (await git(folder, others)).split('\0').filter(Boolean)
    if (found.length > 0)
      await git(folder, ['add', '--', ...found.map((path) => `:(literal)${path}`)])
  }
}
