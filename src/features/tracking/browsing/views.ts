import type { Clock } from '#base/clock'
import type { Ids } from '#base/ids'
import { Problem } from '#base/problem'
import type { Actor, Transact } from '#ledger'
import * as facts from '../facts.ts'
import { parseRunFilter, parseRunOrder } from '../filter/index.ts'
import { pageOf, type Page, type Place } from '../search.ts'
import { COLUMNS_MAX, folderOf, parseRunColumn } from './scope.ts'
import type { BrowsingReads, BrowsingWrites } from './store.ts'
import type { SavedView, ViewContent } from './view.ts'

export interface Views {
  create(actor: Actor, content: ViewContent): Promise<SavedView>
  /** Throws `not-found`, for somebody else's private view too. */
  get(actor: Actor, viewId: string): Promise<SavedView>
  list(actor: Actor, page: { after?: Place | undefined; limit: number }): Promise<Page<SavedView>>
  /** Throws `conflict` unless `revision` is the present one, so that no change is lost. */
  change(
    actor: Actor,
    viewId: string,
    change: { revision: number; content: ViewContent },
  ): Promise<SavedView>
  delete(actor: Actor, viewId: string, revision: number): Promise<void>
}

export const VIEW_NAME_CHARS_MAX = 200
/** A view is read with all others in a list, so it is no place for data. */
export const VIEW_BYTES_MAX = 64 * 1024

export function createViews({
  read,
  transact,
  clock,
  ids,
}: {
  read: BrowsingReads
  transact: Transact<{ browsing: BrowsingWrites }>
  clock: Clock
  ids: Ids
}): Views {
  return {
    create: async (actor, given) => {
      const content = checkedContent(given)
      const nowMs = clock.nowMs()
      const view = { ...content, viewId: ids.ulid(), owner: actor.id, revision: 1 }
      const kept = { ...view, createdMs: nowMs, updatedMs: nowMs }
      return transact(async ({ browsing, ledger }) => {
        await browsing.insertView(kept)
        await ledger.append(actor, [facts.viewSaved(kept)])
        return kept
      })
    },
    get: (actor, viewId) => viewOf(read, actor, viewId),
    list: async (actor, { after, limit }) =>
      pageOf(await read.listViews({ owner: actor.id, after, limit }), { limit }),
    change: async (actor, viewId, { revision, content: given }) => {
      const content = checkedContent(given)
      return transact(async ({ browsing, ledger }) => {
        const kept = await viewOf(browsing, actor, viewId)
        assertRevision(kept, revision)
        if (kept.owner !== actor.id && kept.shared !== content.shared)
          throw new Problem(
            'forbidden',
            `the view ${kept.name} is ${kept.owner}'s, who alone says whether it is shared; leave that as it is`,
          )
        const view = { ...kept, ...content, revision: revision + 1, updatedMs: clock.nowMs() }
        await browsing.saveView(view)
        await ledger.append(actor, [facts.viewSaved(view)])
        return view
      })
    },
    delete: (actor, viewId, revision) =>
      transact(async ({ browsing, ledger }) => {
        const kept = await viewOf(browsing, actor, viewId)
        assertRevision(kept, revision)
        await browsing.deleteView(viewId)
        await ledger.append(actor, [facts.viewDeleted(kept)])
      }),
  }
}

async function viewOf(
  read: Pick<BrowsingReads, 'findView'>,
  actor: Actor,
  viewId: string,
): Promise<SavedView> {
  const view = await read.findView(viewId)
  if (view !== undefined && (view.shared || view.owner === actor.id)) return view
  throw new Problem('not-found', `there is no saved view ${viewId}; list them, and choose one`)
}

function assertRevision({ name, revision }: SavedView, given: number): void {
  if (revision !== given)
    throw new Problem(
      'conflict',
      `the view ${JSON.stringify(name)} was changed meanwhile: it is at revision ${revision}, and this change began at ${given}; load it, change it again, or save yours as a new view`,
    )
}

function checkedContent(content: ViewContent): ViewContent {
  const { name, filter, columns, orderBy } = content
  if (name.trim() === '' || name.length > VIEW_NAME_CHARS_MAX)
    throw new Problem(
      'invalid',
      `the name of the view has ${name.trim().length} characters; it needs 1 to ${VIEW_NAME_CHARS_MAX}`,
    )
  // A view that cannot be shown is of no use to anybody.
  parseRunFilter(filter)
  parseRunOrder(orderBy)
  columns.forEach(parseRunColumn)
  if (columns.length > COLUMNS_MAX)
    throw new Problem(
      'invalid',
      `the view has ${columns.length} columns; the limit is ${COLUMNS_MAX}`,
    )
  const bytes = Buffer.byteLength(JSON.stringify(content))
  if (bytes > VIEW_BYTES_MAX)
    throw new Problem(
      'limit',
      `the view takes ${bytes} bytes; the limit is ${VIEW_BYTES_MAX}, so keep fewer columns and charts`,
    )
  const { scope } = content
  return {
    ...content,
    scope: scope.of === 'folder' ? { of: 'folder', folder: folderOf(scope.folder) } : scope,
  }
}
