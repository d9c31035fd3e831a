import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Rocket } from 'lucide-react'
import { useEffect, useRef, useState } from 'react'
import type { RolloutShown } from '#protocols/api/endpoint-wire'
import { rolloutQuery } from '#web/api/endpoints.ts'
import { postJson } from '#web/api/send.ts'
import { Card } from '#web/ui/card.tsx'
import { StatePill, type State } from '#web/ui/state.tsx'
import { CELL, HEAD, NUMBER } from './states.tsx'

type Order = 'pause' | 'resume' | 'abort' | 'finish'

const ORDERS: Readonly<Record<Order, { words: string; means: (rollout: RolloutShown) => string }>> =
  {
    pause: {
      words: 'Pause',
      means: ({ share, to }) =>
        `Revision ${to} keeps ${share} % of the traffic until the rollout goes on; guards watch on.`,
    },
    resume: {
      words: 'Go on',
      means: () => 'The rollout goes on with its next step when it is due.',
    },
    abort: {
      words: 'Give up',
      means: ({ from }) => `All traffic goes back to revision ${from} at once.`,
    },
    finish: {
      words: 'Finish now',
      means: ({ to }) =>
        `All traffic goes to revision ${to} at once, whatever the guards would say.`,
    },
  }

const STATES: Readonly<Record<string, State>> = {
  running: 'busy',
  paused: 'warning',
  completed: 'good',
  aborted: 'bad',
}

/** The newest move of traffic in steps, the numbers it stands on, and what can be done with it; nothing before there was one. */
export function RolloutCard({ endpoint }: { endpoint: string }) {
  const { data: rollout } = useQuery(rolloutQuery(endpoint))
  if (rollout === undefined || rollout === null) return null
  return (
    <Card id="rollout" title="Rollout" Icon={Rocket}>
      <Standing endpoint={endpoint} rollout={rollout} />
    </Card>
  )
}

function Standing({ endpoint, rollout }: { endpoint: string; rollout: RolloutShown }) {
  const [order, setOrder] = useState<Order>()
  const { state, from, to, step, steps, share, reason, numbers } = rollout
  const isOpen = state === 'running' || state === 'paused'
  const orders: Order[] = [state === 'paused' ? 'resume' : 'pause', 'abort', 'finish']
  return (
    <>
      <div className="flex flex-wrap items-center gap-x-3 gap-y-1 text-sm">
        <StatePill state={STATES[state] ?? 'none'}>{state}</StatePill>
        <span>
          Revision {from} → {to}, step {step} of {steps.length}: {share} % to revision {to}
        </span>
        {isOpen ? (
          <span className="text-ink-3">
            {rollout.stepSamples} of {rollout.minSamples} requests in this step
          </span>
        ) : null}
      </div>
      {reason === null ? null : <p className="text-sm wrap-anywhere text-ink-2">{reason}</p>}
      <p className="text-sm text-ink-2">
        Evidence against the new revision: {short(numbers.e)}; it is given up at{' '}
        {short(numbers.threshold)}.
      </p>
      <Guards rollout={rollout} />
      {isOpen ? (
        <div className="flex flex-wrap gap-2">
          {orders.map((each) => (
            <button key={each} type="button" className="button" onClick={() => setOrder(each)}>
              {ORDERS[each].words}
            </button>
          ))}
        </div>
      ) : null}
      {order === undefined ? null : (
        <OrderDialog
          endpoint={endpoint}
          rollout={rollout}
          order={order}
          onClose={() => setOrder(undefined)}
        />
      )}
    </>
  )
}

function Guards({ rollout }: { rollout: RolloutShown }) {
  const { guards } = rollout.numbers
  if (guards.length === 0) return null
  return (
    <div className="overflow-x-auto">
      <table className="w-full text-sm">
        <caption className="sr-only">Guards and their numbers</caption>
        <thead>
          <tr>
            <th scope="col" className={HEAD}>
              Guard
            </th>
            <th scope="col" className={HEAD}>
              Limit
            </th>
            {[`New (${rollout.to})`, `Old (${rollout.from})`, 'Evidence'].map((name) => (
              <th key={name} scope="col" className={`${HEAD} text-right`}>
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {guards.map((guard) => (
            <tr key={guard.guard}>
              <td className={CELL}>{guard.guard}</td>
              <td className={CELL}>
                {Object.entries(guard.limit)
                  .map(([name, value]) => `${name.replaceAll('_', ' ')} ${value}`)
                  .join(', ')}
              </td>
              <td className={NUMBER}>{seen(guard.new)}</td>
              <td className={NUMBER}>{seen(guard.old)}</td>
              <td className={NUMBER}>{short(guard.e)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

/** Asks once more before traffic is moved by hand. */
function OrderDialog(parts: {
  endpoint: string
  rollout: RolloutShown
  order: Order
  onClose: () => void
}) {
  const { endpoint, rollout, order, onClose } = parts
  const dialog = useRef<HTMLDialogElement>(null)
  const client = useQueryClient()
  useEffect(() => dialog.current?.showModal(), [])
  const giving = useMutation({
    mutationFn: () =>
      postJson(`/api/v1/endpoints/${encodeURIComponent(endpoint)}/rollouts/${order}`, {}),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: ['endpoint-rollout', endpoint] })
      onClose()
    },
  })
  const { words, means } = ORDERS[order]
  return (
    <dialog
      ref={dialog}
      aria-labelledby="order-title"
      onClose={onClose}
      className="m-auto w-full max-w-lg rounded-xl border border-line bg-surface p-5 text-ink backdrop:bg-black/40"
    >
      <div className="flex flex-col gap-4">
        <h2 id="order-title" className="text-lg font-semibold">
          {words}?
        </h2>
        <p className="text-sm text-ink-2">{means(rollout)}</p>
        {giving.error === null ? null : (
          <p role="alert" className="text-sm text-bad">
            {giving.error.message}
          </p>
        )}
        <div className="flex justify-end gap-2">
          <button type="button" className="button" onClick={onClose}>
            Leave it
          </button>
          <button
            type="button"
            className="button"
            disabled={giving.isPending}
            onClick={() => giving.mutate()}
          >
            {words}
          </button>
        </div>
      </div>
    </dialog>
  )
}

function seen({
  estimate,
  lower,
  upper,
}: RolloutShown['numbers']['guards'][number]['new']): string {
  return estimate === null ? '–' : `${short(estimate)} [${short(lower)}, ${short(upper)}]`
}

function short(value: number | null): string {
  return value === null ? '–' : String(Number(value.toPrecision(3)))
}
