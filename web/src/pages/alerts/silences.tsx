import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import type { SilenceShown } from '#protocols/api/alerting-wire'
import { endSilence, silencesQuery } from '#web/api/alerting.ts'
import { useNow, Moment } from '#web/ui/now.tsx'
import { Trouble, Waiting } from '#web/ui/page.tsx'
import { StatePill } from '#web/ui/state.tsx'

/** What nobody is told of, and what nobody was told of. */
export function Silences() {
  const { data: silences, error } = useQuery(silencesQuery)
  if (silences === undefined)
    return error === null ? <Waiting>Asking the server…</Waiting> : <Trouble error={error} />
  if (silences.length === 0)
    return <p className="text-sm text-ink-2">Nothing is silenced: all alerts are told.</p>
  return (
    <ul aria-label="Silences, the last first" className="flex flex-col">
      {silences.map((silence) => (
        <SilenceLine key={silence.id} silence={silence} />
      ))}
    </ul>
  )
}

function SilenceLine({ silence }: { silence: SilenceShown }) {
  const { id, matchers, comment, by, created, until } = silence
  const isOver = Date.parse(until) <= useNow()
  const client = useQueryClient()
  const ending = useMutation({
    mutationFn: () => endSilence(id),
    onSuccess: () =>
      Promise.all([
        client.invalidateQueries({ queryKey: ['silences'] }),
        client.invalidateQueries({ queryKey: ['alerts'] }),
      ]),
  })
  return (
    <li className="flex flex-col gap-x-3 gap-y-1.5 border-t border-line py-3 first:border-t-0 first:pt-0 last:pb-0 sm:flex-row">
      <div className="w-24 shrink-0">
        <StatePill state={isOver ? 'none' : 'busy'}>{isOver ? 'Over' : 'Silent'}</StatePill>
      </div>
      <div className="flex min-w-0 flex-1 flex-col gap-1 text-sm">
        <p className="wrap-anywhere">{comment}</p>
        <p className="flex flex-wrap gap-x-3 gap-y-1 text-[0.8125rem] wrap-anywhere text-ink-3">
          {Object.entries(matchers).map(([label, pattern]) => (
            <code key={label}>
              {label}={[pattern].flat().join('|')}
            </code>
          ))}
          <span>
            by {by}, <Moment time={created} /> to <Moment time={until} />
          </span>
        </p>
        <Trouble error={ending.error} />
      </div>
      {isOver ? null : (
        <button
          type="button"
          className="button self-start"
          disabled={ending.isPending}
          onClick={() => ending.mutate()}
        >
          End it
        </button>
      )}
    </li>
  )
}
