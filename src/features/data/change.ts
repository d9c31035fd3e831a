import { isFolder, sameContent, type Content, type Measured } from './content.ts'
import type { DataDependencies } from './dependencies.ts'
import type { Out, Owner } from './out.ts'
import type { Cache } from './store.ts'
import { membersOf } from './transfer.ts'

/** How an out differs from what its file says; the words are DVC's. */
export type OutChange = 'modified' | 'deleted' | 'not in cache'

export interface OutStatus {
  readonly path: string
  readonly owner: Owner
  readonly change: OutChange
}

/** How an out differs from what is written of it: its objects first, then the workspace. */
export async function outChange(
  { workspace, cache }: Pick<DataDependencies, 'workspace' | 'cache'>,
  out: Pick<Out, 'path' | 'content' | 'cached' | 'files'>,
): Promise<OutChange | undefined> {
  const { content } = out
  if (content !== undefined && out.cached && !(await isHeld(cache, content, out.files)))
    return 'not in cache'
  if (!(await workspace.exists(out.path))) return 'deleted'
  // What was never recorded counts as modified, so nothing need be hashed to say so.
  if (content === undefined) return 'modified'
  const now = await workspace.measure(out.path, { legacy: content.legacy ?? false })
  if (now === undefined) return 'deleted'
  return sameContent(now.content, content) ? undefined : 'modified'
}

/** What lists its files itself needs no list in the cache; dvc keeps none there. */
async function isHeld(cache: Cache, content: Content, files: Out['files']): Promise<boolean> {
  if (files === undefined) return cache.holds(content)
  return (await cache.missing(membersOf(content, files))).length === 0
}

/** The content with its files, out of the cache; undefined when a folder's list is not there. */
export async function measuredInCache(
  cache: Cache,
  content: Content,
  files?: Out['files'],
): Promise<Measured | undefined> {
  if (!isFolder(content)) return { content }
  const entries = files ?? (await cache.tree(content))
  return entries === undefined ? undefined : { content, entries }
}
