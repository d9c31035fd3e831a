import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Bookmark } from 'lucide-react'
import { useState } from 'react'
import type { ViewWire } from '#protocols/api/views-wire'
import { viewsQuery } from '#web/api/runs.ts'
import { askJson } from '#web/api/ask.ts'
import type { Look } from './look.ts'
import { useLook } from './use-look.ts'

/** Views that are kept on the server: to open, to save what is seen now, to save it anew. */
export function ViewsMenu() {
  const { look, replace, change } = useLook()
  const [name, setName] = useState('')
  const { data } = useQuery(viewsQuery)
  const views = data?.views ?? []
  const current = views.find(({ id }) => id === look.view)
  const { save, remove, error } = useSaving(look, change, () => setName(''))
  return (
    <details className="relative">
      <summary className="button">
        <Bookmark aria-hidden size={14} />
        {current?.name ?? 'Views'}
      </summary>
      <div className="menu right-0 w-72 max-md:right-auto max-md:left-0">
        <SavedViews views={views} current={look.view} onOpen={(view) => replace(lookOf(view))} />
        <form
          className="flex gap-2"
          onSubmit={(event) => {
            event.preventDefault()
            save.mutate({ name })
          }}
        >
          <input
            aria-label="Name of the new view"
            placeholder="Name"
            required
            maxLength={200}
            value={name}
            onChange={(event) => setName(event.target.value)}
            className="field"
          />
          <button type="submit" className="button">
            Save
          </button>
        </form>
        {current === undefined ? null : (
          <div className="flex gap-2">
            <button
              type="button"
              className="button"
              onClick={() => save.mutate({ name: current.name, over: current })}
            >
              Save over {current.name}
            </button>
            <button type="button" className="button" onClick={() => remove.mutate(current)}>
              Delete
            </button>
          </div>
        )}
        {error === null ? null : (
          <p role="alert" className="text-sm text-bad">
            {error.message}
          </p>
        )}
      </div>
    </details>
  )
}

function SavedViews({
  views,
  current,
  onOpen,
}: {
  views: readonly ViewWire[]
  current: string | undefined
  onOpen: (view: ViewWire) => void
}) {
  if (views.length === 0)
    return <p className="text-sm text-ink-2">No view is saved yet. Name what you see now:</p>
  return (
    <ul aria-label="Saved views">
      {views.map((view) => (
        <li key={view.id}>
          <button
            type="button"
            aria-current={view.id === current ? 'true' : undefined}
            className="min-h-7 w-full cursor-pointer truncate rounded px-1.5 text-left text-sm hover:bg-sunken aria-[current]:font-semibold"
            onClick={() => onOpen(view)}
          >
            {view.name}
          </button>
        </li>
      ))}
    </ul>
  )
}

/** What can be done to the views on the server. */
function useSaving(look: Look, change: (part: Look) => void, onSaved: () => void) {
  const queries = useQueryClient()
  const refresh = () => queries.invalidateQueries({ queryKey: viewsQuery.queryKey })
  const save = useMutation({
    mutationFn: (as: { name: string; over?: ViewWire }) => {
      const body = { ...contentOf(look), name: as.name, shared: as.over?.shared ?? true }
      return as.over === undefined
        ? askJson<ViewWire>('POST', '/api/v1/views', { body })
        : askJson<ViewWire>('PUT', `/api/v1/views/${as.over.id}`, {
            body: { ...body, revision: as.over.revision },
          })
    },
    onSuccess: (view) => {
      onSaved()
      change({ view: view.id })
    },
    onSettled: refresh,
  })
  const remove = useMutation({
    mutationFn: ({ id, revision }: ViewWire) =>
      askJson('DELETE', `/api/v1/views/${id}?revision=${revision}`),
    onSuccess: () => change({ view: undefined }),
    onSettled: refresh,
  })
  return { save, remove, error: save.error ?? remove.error }
}

function contentOf(look: Look) {
  return {
    ...(look.experiment === undefined
      ? { folder: look.folder ?? '' }
      : { experimentIds: [look.experiment] }),
    filter: look.filter ?? '',
    columns: look.columns ?? [],
    orderBy: look.order === undefined ? [] : [look.order],
    display: { flat: look.flat === true, tab: look.tab ?? null },
  }
}

function lookOf(view: ViewWire): Look {
  const tab = view.display['tab']
  return {
    view: view.id,
    ...(view.experimentIds?.[0] === undefined ? {} : { experiment: view.experimentIds[0] }),
    ...(view.folder === null || view.folder === '' ? {} : { folder: view.folder }),
    ...(view.filter === '' ? {} : { filter: view.filter }),
    ...(view.orderBy[0] === undefined ? {} : { order: view.orderBy[0] }),
    ...(view.columns.length === 0 ? {} : { columns: view.columns }),
    ...(view.display['flat'] === true ? { flat: true } : {}),
    ...(tab === 'compare' || tab === 'charts' ? { tab } : {}),
  }
}
