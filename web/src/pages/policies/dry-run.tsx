import { useQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { useState } from 'react'
import { previewQuery, type PolicyName } from '#web/api/policies.ts'
import { inUtc } from '#web/ui/format.ts'
import { Moment } from '#web/ui/now.tsx'
import { Trouble, Waiting } from '#web/ui/page.tsx'
import { Standing } from './parts.tsx'
import type { PolicyView } from './view.ts'
import { ACTS, awaited, ownZone } from './words.ts'

/** What each trigger would do now or at a time, and why. Nothing is done. */
export function DryRun({ name }: { name: PolicyName }) {
  const { at }: PolicyView = useSearch({ from: '/policies/$project/$policy' })
  const navigate = useNavigate()
  const [written, setWritten] = useState(at === undefined ? '' : localOf(at))
  const { data, error } = useQuery(previewQuery(name, at))
  const ask = (time: string | undefined) =>
    void navigate({
      to: '/policies/$project/$policy',
      params: name,
      search: { at: time },
      replace: true,
      resetScroll: false,
    })
  return (
    <div className="flex flex-col gap-3 text-sm">
      <form
        className="flex flex-wrap items-end gap-2"
        onSubmit={(event) => {
          event.preventDefault()
          const time = new Date(written)
          ask(Number.isNaN(time.getTime()) ? undefined : time.toISOString())
        }}
      >
        <label className="flex flex-col gap-1 text-xs text-ink-3">
          At ({ownZone()})
          <input
            type="datetime-local"
            className="field w-auto"
            value={written}
            onChange={({ target }) => setWritten(target.value)}
          />
        </label>
        <button type="submit" className="button">
          Ask
        </button>
        {at === undefined ? null : (
          <button
            type="button"
            className="button"
            onClick={() => {
              setWritten('')
              ask(undefined)
            }}
          >
            Now
          </button>
        )}
      </form>
      <Trouble error={error} />
      {data === undefined && error === null ? <Waiting>Asking the server…</Waiting> : null}
      <p className="text-[0.8125rem] text-ink-3">
        {at === undefined ? 'As things stand now' : `As things stand, at ${inUtc(at)}`}; nothing is
        done.
      </p>
      <ul aria-label="What would happen" className="flex flex-col gap-3">
        {data?.map((preview) => (
          <li key={awaited(preview.trigger)} className="flex flex-col gap-1">
            <span className="flex flex-wrap items-center gap-2">
              <Standing word={preview.act} of={ACTS} />
              <span className="text-[0.8125rem] text-ink-3">
                <Moment time={preview.at} />
              </span>
            </span>
            <span className="wrap-anywhere">{preview.why}</span>
          </li>
        ))}
      </ul>
    </div>
  )
}

/** A moment as the field writes it, by the reader's clock. */
function localOf(time: string): string {
  const at = new Date(time)
  if (Number.isNaN(at.getTime())) return ''
  return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16)
}
