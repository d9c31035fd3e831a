import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import type { DeliveryWire } from '#protocols/api/webhook-wire'
import { getJson } from '#web/api/get.ts'
import { postJson } from '#web/api/send.ts'
import { counted, moment, spoken } from '#web/ui/format.ts'
import { Moment } from '#web/ui/now.tsx'
import { StatePill, type State } from '#web/ui/state.tsx'

const SHOWN = 20
const REFRESH_MS = 3000

const STATES: Readonly<Record<DeliveryWire['state'], State>> = {
  waiting: 'busy',
  delivered: 'good',
  failed: 'bad',
  cancelled: 'none',
}

/** What was sent to a webhook, newest first; what is over can be sent again. */
export function DeliveryLog({ webhook }: { webhook: string }) {
  const [before, setBefore] = useState<string | null>(null)
  const path = `/api/v1/webhooks/${webhook}/deliveries`
  const { data, error } = useQuery({
    queryKey: ['webhook-deliveries', webhook, before],
    queryFn: ({ signal }) =>
      getJson<{ deliveries: DeliveryWire[]; next: string | null }>(
        `${path}?limit=${SHOWN}${before === null ? '' : `&before=${before}`}`,
        signal,
      ),
    refetchInterval: REFRESH_MS,
  })
  if (error !== null)
    return (
      <p role="alert" className="text-sm text-bad">
        {error.message}
      </p>
    )
  if (data?.deliveries.length === 0)
    return <p className="text-sm text-ink-2">Nothing was sent yet.</p>
  const next = data?.next ?? null
  return (
    <div className="flex flex-col gap-2 rounded-lg bg-sunken p-3">
      <ol aria-label="Deliveries" className="flex flex-col gap-2">
        {data?.deliveries.map((delivery) => (
          <DeliveryLine key={delivery.id} delivery={delivery} />
        ))}
      </ol>
      {next === null && before === null ? null : (
        <button
          type="button"
          className="self-start cursor-pointer text-sm text-accent underline underline-offset-2"
          onClick={() => setBefore(next)}
        >
          {next === null ? 'Newest' : 'Older'}
        </button>
      )}
    </div>
  )
}

function DeliveryLine({ delivery }: { delivery: DeliveryWire }) {
  const client = useQueryClient()
  const { id, webhook, event, state, attempts, created, next, status, error } = delivery
  const again = useMutation({
    mutationFn: () => postJson(`/api/v1/webhooks/${webhook}/deliveries/${id}/redeliver`, {}),
    onSettled: () => client.invalidateQueries({ queryKey: ['webhook-deliveries', webhook] }),
  })
  const why = again.error?.message ?? error
  return (
    <li className="flex flex-wrap items-center justify-between gap-x-3 gap-y-1 text-[0.8125rem]">
      <span className="min-w-0 grow basis-48">
        <span className="font-medium">{spoken(event)}</span>{' '}
        <span className="text-ink-3">
          <Moment time={created} />
        </span>
      </span>
      <span className="text-ink-2">
        {counted(attempts, 'attempt')}
        {status === null ? '' : ` · ${status}`}
        {next === null ? '' : ` · next ${moment(next)}`}
      </span>
      <StatePill state={STATES[state]}>{state}</StatePill>
      {delivery.position === null ? null : (
        <button
          type="button"
          disabled={again.isPending}
          className="h-7 cursor-pointer rounded-md border border-line bg-surface px-2 text-ink-2 hover:text-ink"
          onClick={() => again.mutate()}
        >
          Send again
        </button>
      )}
      {why === null ? null : <p className="w-full wrap-anywhere text-ink-2">{why}</p>}
    </li>
  )
}
