import type { Logger } from '#base/logger'
import { messageOf } from '#base/problem'
import type { RunRequest } from '#pipelines'
import { git } from './git.ts'

/**
 * Commits what the run changed in the project's files and offers it to the origin as a branch; nobody's work is
 * touched. Gives the branch, or null where nothing changed or the origin takes none.
 */
export async function publishLock(
  folder: string,
  request: RunRequest,
  logger: Logger,
): Promise<string | null> {
  const branch = `orrery/${request.id}`
  await git(folder, ['add', '--update'])
  // A run that was gone on with may have committed before it was stopped.
  if ((await git(folder, ['diff', '--cached', '--name-only'])).trim() !== '')
    await git(folder, ['commit', '--quiet', '--message', `Lock of pipeline run ${request.id}`])
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
