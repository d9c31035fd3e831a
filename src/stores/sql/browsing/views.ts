import { sql, type Kysely, type Selectable } from 'kysely'
import type { BrowsingReads, BrowsingWrites, SavedView, ViewContent } from '#tracking'
import { ascending, isAfter, keyColumns, orderedBy, placed } from '../keyset.ts'

export interface ViewTables {
  saved_views: {
    view_id: string
    name: string
    owner: string
    shared: number
    revision: number
    content: string
    created_ms: number
    updated_ms: number
  }
}

const KEYS = [ascending(sql.ref('name'), 'text'), ascending(sql.ref('view_id'), 'text')]

export function viewReads(db: Kysely<ViewTables>): Pick<BrowsingReads, 'findView' | 'listViews'> {
  return {
    findView: async (viewId) => {
      const row = await db
        .selectFrom('saved_views')
        .selectAll()
        .where('view_id', '=', viewId)
        .executeTakeFirst()
      return row === undefined ? undefined : viewOf(row)
    },
    listViews: async ({ owner, after, limit }) => {
      const rows = await db
        .selectFrom('saved_views')
        .selectAll()
        .select(keyColumns(KEYS))
        .where((e) => e.or([e('owner', '=', owner), e('shared', '=', 1)]))
        .where(isAfter(KEYS, after))
        .orderBy(orderedBy(KEYS))
        .limit(limit + 1)
        .execute()
      return rows.map((row) => placed(row, KEYS, viewOf(row)))
    },
  }
}

export function viewWrites(
  db: Kysely<ViewTables>,
): Pick<BrowsingWrites, 'insertView' | 'saveView' | 'deleteView'> {
  return {
    insertView: async (view) => {
      await db.insertInto('saved_views').values(rowOf(view)).execute()
    },
    saveView: async (view) => {
      await db
        .updateTable('saved_views')
        .set(rowOf(view))
        .where('view_id', '=', view.viewId)
        .execute()
    },
    deleteView: async (viewId) => {
      await db.deleteFrom('saved_views').where('view_id', '=', viewId).execute()
    },
  }
}

function viewOf(row: Selectable<ViewTables['saved_views']>): SavedView {
  const content = JSON.parse(row.content) as Omit<ViewContent, 'name' | 'shared'>
  return {
    ...content,
    viewId: row.view_id,
    name: row.name,
    owner: row.owner,
    shared: row.shared === 1,
    revision: row.revision,
    createdMs: row.created_ms,
    updatedMs: row.updated_ms,
  }
}

function rowOf({
  viewId,
  name,
  owner,
  shared,
  revision,
  createdMs,
  updatedMs,
  ...view
}: SavedView) {
  const { scope, filter, columns, orderBy, display } = view
  return {
    view_id: viewId,
    name,
    owner,
    shared: shared ? 1 : 0,
    revision,
    content: JSON.stringify({ scope, filter, columns, orderBy, display }),
    created_ms: createdMs,
    updated_ms: updatedMs,
  }
}
