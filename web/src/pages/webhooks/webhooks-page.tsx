import { useQuery } from '@tanstack/react-query'
import { ChevronDown, ChevronRight, Webhook } from 'lucide-react'
import { useState } from 'react'
import type { WebhookWire } from '#protocols/api/webhook-wire'
import { getJson } from '#web/api/get.ts'
import { Card } from '#web/ui/card.tsx'
import { Empty } from '#web/ui/command.tsx'
import { counted } from '#web/ui/format.ts'
import { Page, SettingsTabs, Trouble } from '#web/ui/page.tsx'
import { StatePill } from '#web/ui/state.tsx'
import { AddWebhook } from './add-webhook.tsx'
import { DeliveryLog } from './delivery-log.tsx'

const REFRESH_MS = 5000

/** Settings → Webhooks: who is told what happens, and what was sent to them. */
export function WebhooksPage() {
  const [shown, setShown] = useState<string | null>(null)
  const { data, error } = useQuery({
    queryKey: ['webhooks'],
    queryFn: ({ signal }) =>
      getJson<{ webhooks: WebhookWire[] }>('/api/v1/webhooks?limit=200', signal),
    refetchInterval: REFRESH_MS,
  })
  const webhooks = data?.webhooks ?? []
  return (
    <Page
      title="Webhooks"
      above="Settings"
      lead="Addresses that are told what happens, with a log of what was sent to each."
    >
      <SettingsTabs />
      <Trouble error={error} />
      <Card id="webhooks" title="Who is told" Icon={Webhook}>
        {data === undefined ? null : webhooks.length === 0 ? (
          <Empty
            why="Nobody is told yet. A webhook is an address that hears of what stands in the ledger."
            commands={['orrery webhooks add NAME https://…']}
          />
        ) : (
          <ul className="flex flex-col">
            {webhooks.map((webhook) => (
              <WebhookLine
                key={webhook.id}
                webhook={webhook}
                open={shown === webhook.id}
                onToggle={() => setShown(shown === webhook.id ? null : webhook.id)}
              />
            ))}
          </ul>
        )}
      </Card>
      <AddWebhook />
    </Page>
  )
}

function WebhookLine({
  webhook,
  open,
  onToggle,
}: {
  webhook: WebhookWire
  open: boolean
  onToggle: () => void
}) {
  const { name, url, events, subject, disabledBecause } = webhook
  const Arrow = open ? ChevronDown : ChevronRight
  return (
    <li className="flex flex-col gap-3 border-t border-line py-3 first:border-t-0 first:pt-0 last:pb-0">
      <div className="flex flex-wrap items-center justify-between gap-x-4 gap-y-1">
        <button
          type="button"
          aria-expanded={open}
          className="flex min-h-6 min-w-0 cursor-pointer items-center gap-1.5 text-left"
          onClick={onToggle}
        >
          <Arrow aria-hidden size={14} className="shrink-0 text-ink-3" />
          <span className="font-medium">{name}</span>
          <span className="text-[0.8125rem] wrap-anywhere text-ink-2">{url}</span>
        </button>
        <Standing webhook={webhook} />
        <p className="w-full text-[0.8125rem] wrap-anywhere text-ink-3">
          {events.join() === '*' ? 'every event' : events.join(' ')}
          {subject === null ? '' : ` about ${subject}`}
          {disabledBecause === null ? '' : ` · ${disabledBecause}`}
        </p>
      </div>
      {open ? <DeliveryLog webhook={webhook.id} /> : null}
    </li>
  )
}

function Standing({ webhook: { enabled, failures } }: { webhook: WebhookWire }) {
  if (!enabled) return <StatePill state="none">disabled</StatePill>
  if (failures > 0)
    return <StatePill state="warning">{counted(failures, 'failure')} in a row</StatePill>
  return <StatePill state="good">enabled</StatePill>
}
