import { useMutation, useQueryClient } from '@tanstack/react-query'
import { Plus } from 'lucide-react'
import { useState } from 'react'
import type { WebhookWire } from '#protocols/api/webhook-wire'
import { postJson } from '#web/api/send.ts'
import { Card } from '#web/ui/card.tsx'
import { Command } from '#web/ui/command.tsx'

/** A form for a new webhook; its secret is shown when it is made, and never again. */
export function AddWebhook() {
  const client = useQueryClient()
  const [name, setName] = useState('')
  const [url, setUrl] = useState('')
  const [events, setEvents] = useState('*')
  const add = useMutation({
    mutationFn: () =>
      postJson<WebhookWire & { secret: string }>('/api/v1/webhooks', {
        name,
        url,
        events: events.split(/[\s,]+/).filter(Boolean),
      }),
    onSuccess: async () => {
      setName('')
      setUrl('')
      await client.invalidateQueries({ queryKey: ['webhooks'] })
    },
  })
  return (
    <Card id="add-webhook" title="Add a webhook" Icon={Plus}>
      <form
        className="grid gap-3 sm:grid-cols-2"
        onSubmit={(event) => {
          event.preventDefault()
          add.mutate()
        }}
      >
        <Field name="Name" value={name} onChange={setName} />
        <Field name="URL" type="url" value={url} onChange={setUrl} />
        <Field name="Events, with * for any letters" value={events} onChange={setEvents} />
        <button
          type="submit"
          disabled={add.isPending}
          className="h-9 cursor-pointer self-end justify-self-start rounded-lg border border-line bg-surface px-6 text-sm font-medium"
        >
          Add
        </button>
      </form>
      {add.error === null ? null : (
        <p role="alert" className="text-sm text-bad">
          {add.error.message}
        </p>
      )}
      {add.data === undefined ? null : (
        <output className="flex flex-col gap-2 text-sm text-ink-2">
          <span>The secret that signs messages to {add.data.name}, shown this once:</span>
          <Command text={add.data.secret} />
        </output>
      )}
    </Card>
  )
}

function Field(parts: {
  name: string
  type?: 'url'
  value: string
  onChange: (value: string) => void
}) {
  const { name, type, value, onChange } = parts
  return (
    <label className="flex min-w-0 flex-col gap-1 text-xs text-ink-3">
      {name}
      <input
        required
        type={type ?? 'text'}
        className="h-9 rounded-lg border border-line bg-bg px-3 text-sm text-ink"
        value={value}
        onChange={(event) => onChange(event.target.value)}
      />
    </label>
  )
}
