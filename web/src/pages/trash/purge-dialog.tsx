import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useEffect, useRef } from 'react'
import type { PreviewWire, TrashItemWire } from '#protocols/api/retention-wire'
import { postJson } from '#web/api/send.ts'
import { bytes, counted } from '#web/ui/format.ts'

/** Shows what purging an item means before it is done. */
export function PurgeDialog({ item, onClose }: { item: TrashItemWire; onClose: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null)
  const client = useQueryClient()
  useEffect(() => dialog.current?.showModal(), [])
  const preview = useQuery({
    queryKey: ['trash-preview', item.item],
    queryFn: () =>
      postJson<PreviewWire>('/api/v1/trash/preview', {
        things: [{ kind: item.kind, id: item.id }],
      }),
    staleTime: 0,
  })
  const purge = useMutation({
    mutationFn: () => postJson('/api/v1/trash/purge', { items: [item.item] }),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: ['trash'] })
      onClose()
    },
  })
  const held =
    preview.data?.things.some(({ obstacles }) =>
      obstacles.some(({ blocks }) => blocks !== 'nothing'),
    ) ?? true
  const error = preview.error ?? purge.error
  return (
    <dialog
      ref={dialog}
      aria-labelledby="purge-title"
      onClose={onClose}
      className="m-auto w-full max-w-lg rounded-xl border border-line bg-surface p-5 text-ink backdrop:bg-black/40"
    >
      <div className="flex flex-col gap-4">
        <h2 id="purge-title" className="text-lg font-semibold wrap-anywhere">
          Delete {item.name === '' ? item.id : item.name} for good?
        </h2>
        {preview.data === undefined ? null : <Meaning preview={preview.data} />}
        {error === null ? null : (
          <p role="alert" className="text-sm text-bad">
            {error.message}
          </p>
        )}
        <div className="flex justify-end gap-2">
          <button
            type="button"
            className="h-9 cursor-pointer rounded-lg border border-line px-3 text-sm"
            onClick={onClose}
          >
            Keep
          </button>
          <button
            type="button"
            disabled={held || purge.isPending}
            className="h-9 cursor-pointer rounded-lg bg-bad-tint px-3 text-sm font-medium text-bad disabled:cursor-not-allowed disabled:text-ink-3"
            onClick={() => purge.mutate()}
          >
            Delete for good
          </button>
        </div>
      </div>
    </dialog>
  )
}

function Meaning({ preview }: { preview: PreviewWire }) {
  const rows = preview.things.reduce(
    (sum, thing) => sum + Object.values(thing.rows).reduce((total, each) => total + each, 0),
    0,
  )
  const obstacles = preview.things.flatMap((thing) => thing.obstacles)
  return (
    <>
      <p className="text-sm text-ink-2">
        {counted(rows, 'row')} go, and {bytes(preview.freedBytes)} in{' '}
        {counted(preview.freedObjects, 'object')} that nothing else needs. This cannot be undone.
      </p>
      {obstacles.length === 0 ? null : (
        <ul className="flex flex-col gap-2 text-sm">
          {obstacles.map(({ blocks, why, todo }) => (
            <li key={`${why} ${todo}`} className={blocks === 'nothing' ? 'text-ink-3' : 'text-bad'}>
              {blocks === 'nothing' ? '' : 'It stays: '}
              {why}; {todo}
            </li>
          ))}
        </ul>
      )}
    </>
  )
}
