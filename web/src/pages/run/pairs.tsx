import { useState } from 'react'
import { counted } from '#web/ui/format.ts'

const SHOWN = 30

/** Names and values, with a field to find one where there are many. */
export function Pairs({
  pairs,
  noun,
  none,
}: {
  pairs: readonly { readonly key: string; readonly value: string }[]
  noun: string
  none: string
}) {
  const [search, setSearch] = useState('')
  const [all, setAll] = useState(false)
  if (pairs.length === 0) return <p className="text-sm text-ink-2">{none}</p>
  const found = pairs
    .filter(({ key, value }) => `${key} ${value}`.toLowerCase().includes(search.toLowerCase()))
    .toSorted((a, b) => a.key.localeCompare(b.key))
  const shown = all ? found : found.slice(0, SHOWN)
  return (
    <div className="flex flex-col gap-3">
      {pairs.length > SHOWN ? (
        <input
          type="search"
          aria-label={`Find a ${noun}`}
          placeholder={`Find one of ${counted(pairs.length, noun)}`}
          value={search}
          onChange={(event) => setSearch(event.target.value)}
          className="field"
        />
      ) : null}
      <dl className="grid grid-cols-[minmax(6rem,auto)_1fr] gap-x-4 gap-y-1.5 text-[0.8125rem]">
        {shown.map(({ key, value }) => (
          <div key={key} className="contents">
            <dt className="wrap-anywhere text-ink-3">{key}</dt>
            <dd className="min-w-0 font-mono text-xs leading-5 wrap-anywhere whitespace-pre-wrap">
              {value}
            </dd>
          </div>
        ))}
      </dl>
      {shown.length < found.length ? (
        <button type="button" className="button self-start" onClick={() => setAll(true)}>
          Show all {found.length}
        </button>
      ) : null}
    </div>
  )
}
