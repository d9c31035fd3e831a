import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useEffect, useRef, useState } from 'react'
import type { ShownPipeline } from '#protocols/api/pipelines-wire'
import { verbAddress } from '#web/api/pipelines.ts'
import { postJson } from '#web/api/send.ts'
import { Trouble } from '#web/ui/page.tsx'

/** Asks once more before a run is ended. */
export function CancelDialog({ run, onClose }: { run: ShownPipeline; onClose: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null)
  const client = useQueryClient()
  const [reason, setReason] = useState('')
  useEffect(() => dialog.current?.showModal(), [])
  const cancelling = useMutation({
    mutationFn: () =>
      postJson(verbAddress(run.id, 'cancel'), { reason: reason.trim() === '' ? null : reason }),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: ['pipeline', run.id] })
      onClose()
    },
  })
  return (
    <dialog
      ref={dialog}
      aria-labelledby="cancel-title"
      onClose={onClose}
      className="m-auto w-[calc(100%-2rem)] max-w-lg rounded-xl border border-line bg-surface p-5 text-ink backdrop:bg-black/40"
    >
      <form
        className="flex flex-col gap-4"
        onSubmit={(event) => {
          event.preventDefault()
          cancelling.mutate()
        }}
      >
        <h2 id="cancel-title" className="text-lg font-semibold">
          Cancel the run?
        </h2>
        <p className="text-sm text-ink-2">
          All processes of its stages end at once. Stages that have finished stay in the cache.
        </p>
        <label className="flex flex-col gap-1 text-xs text-ink-3">
          Reason
          <input
            className="field"
            maxLength={2000}
            value={reason}
            onChange={({ target }) => setReason(target.value)}
          />
        </label>
        <Trouble error={cancelling.error} />
        <div className="flex justify-end gap-2">
          <button type="button" className="button" onClick={onClose}>
            Leave it
          </button>
          <button type="submit" className="button" disabled={cancelling.isPending}>
            Cancel the run
          </button>
        </div>
      </form>
    </dialog>
  )
}
