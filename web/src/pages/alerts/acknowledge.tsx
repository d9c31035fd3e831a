import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import type { TroubleShown } from '#protocols/api/alerting-wire'
import { acknowledge } from '#web/api/alerting.ts'
import { Confirm, Field } from '#web/ui/confirm.tsx'

/** Says that somebody looks after an alert. */
export function AcknowledgeDialog({
  alert,
  onClose,
}: {
  alert: TroubleShown
  onClose: () => void
}) {
  const client = useQueryClient()
  const [comment, setComment] = useState('')
  const saying = useMutation({
    mutationFn: () => acknowledge(alert.id, comment),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: ['alerts'] })
      onClose()
    },
  })
  return (
    <Confirm
      title="Look after this alert?"
      does="Acknowledge"
      isPending={saying.isPending}
      error={saying.error}
      onDo={() => saying.mutate()}
      onClose={onClose}
    >
      <p className="text-sm wrap-anywhere text-ink-2">
        {alert.detail}. It is not told again, nor escalated; that it is over is told as ever.
      </p>
      <Field name="Comment, for those who were told" value={comment} onChange={setComment} />
    </Confirm>
  )
}
