import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import type { TroubleShown } from '#protocols/api/alerting-wire'
import { silence, silencingQuery } from '#web/api/alerting.ts'
import { Confirm, Field } from '#web/ui/confirm.tsx'
import { counted } from '#web/ui/format.ts'

const HOUR_MS = 3_600_000
const SPANS = [
  { hours: 1, words: '1 hour' },
  { hours: 4, words: '4 hours' },
  { hours: 24, words: '1 day' },
  { hours: 168, words: '1 week' },
  { hours: 720, words: '30 days' },
] as const
const SCOPES = [
  { labels: ['endpoint', 'kind', 'subject'], words: 'this alert, when it comes up again too' },
  { labels: ['endpoint', 'kind'], words: 'all alerts of this kind at the endpoint' },
  { labels: ['endpoint'], words: 'all alerts of the endpoint' },
] as const

/** Lets nobody hear of some alerts until a time, once it was seen which. */
export function SilenceDialog({ alert, onClose }: { alert: TroubleShown; onClose: () => void }) {
  const client = useQueryClient()
  const [comment, setComment] = useState('')
  const [hours, setHours] = useState<number>(24)
  const [scope, setScope] = useState(0)
  const matchers = matchersOf(alert, scope)
  const { data: covered, error } = useQuery(silencingQuery(matchers))
  const silencing = useMutation({
    mutationFn: () =>
      silence({
        matchers,
        comment,
        until: new Date(Date.now() + hours * HOUR_MS).toISOString(),
      }),
    onSuccess: async () => {
      await Promise.all([
        client.invalidateQueries({ queryKey: ['alerts'] }),
        client.invalidateQueries({ queryKey: ['silences'] }),
      ])
      onClose()
    },
  })
  return (
    <Confirm
      title="Tell nobody of it?"
      does="Silence"
      isPending={silencing.isPending}
      error={silencing.error ?? error}
      onDo={() => silencing.mutate()}
      onClose={onClose}
    >
      <Choice
        name="Silence"
        value={scope}
        options={SCOPES.map(({ words }, value) => ({ value, words }))}
        onChange={setScope}
      />
      <Choice
        name="For"
        value={hours}
        options={SPANS.map((span) => ({ value: span.hours, words: span.words }))}
        onChange={setHours}
      />
      <Field name="Why nobody needs to hear of it" required value={comment} onChange={setComment} />
      <output className="text-sm text-ink-2">
        {covered === undefined
          ? 'Asking what it covers…'
          : `It covers ${counted(covered.length, 'open alert')} now. Alerts are raised as ever, and nobody is told.`}
      </output>
    </Confirm>
  )
}

/** An alert that is about no endpoint, such as one of a policy, is told apart by its project and its subject. */
function matchersOf(alert: TroubleShown, scope: number): Record<string, string> {
  const labels = SCOPES[scope]?.labels ?? SCOPES[0].labels
  const wanted = alert.endpoint === '' ? (['project', 'kind', 'subject'] as const) : labels
  return Object.fromEntries(
    wanted.flatMap((label) => (alert[label] === '' ? [] : [[label, alert[label]]])),
  )
}

function Choice(parts: {
  name: string
  value: number
  options: readonly { readonly value: number; readonly words: string }[]
  onChange: (value: number) => void
}) {
  const { name, value, options, onChange } = parts
  return (
    <label className="flex min-w-0 flex-col gap-1 text-xs text-ink-3">
      {name}
      <select
        className="field"
        value={value}
        onChange={({ target }) => onChange(Number(target.value))}
      >
        {options.map((option) => (
          <option key={option.value} value={option.value}>
            {option.words}
          </option>
        ))}
      </select>
    </label>
  )
}
