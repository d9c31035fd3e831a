import { useInfiniteQuery } from '@tanstack/react-query'
import { useState } from 'react'
import type { ChangeWire } from '#protocols/api/models-wire'
import { historyQuery } from '#web/api/models.ts'
import { Moment } from '#web/ui/now.tsx'
import { Trouble } from '#web/ui/page.tsx'

const KINDS = ['version', 'alias', 'stage', 'tag', 'description', 'model'] as const

/** Every change of a model, newest first, with who made it and why. */
export function History({ model }: { model: string }) {
  const [kinds, setKinds] = useState<readonly string[]>([])
  const { data, error, hasNextPage, fetchNextPage } = useInfiniteQuery(historyQuery(model, kinds))
  const changes = data?.pages.flatMap((page) => page.changes) ?? []
  return (
    <div className="flex flex-col gap-3">
      <fieldset className="flex flex-wrap gap-3 text-sm">
        <legend className="sr-only">Kinds of change</legend>
        {KINDS.map((kind) => (
          <label key={kind} className="flex min-h-6 items-center gap-1.5">
            <input
              type="checkbox"
              checked={kinds.includes(kind)}
              onChange={() =>
                setKinds(
                  kinds.includes(kind) ? kinds.filter((each) => each !== kind) : [...kinds, kind],
                )
              }
            />
            {kind}
          </label>
        ))}
      </fieldset>
      <Trouble error={error} />
      <ol className="flex flex-col">
        {changes.map((change) => (
          <li
            key={`${change.position}-${change.kind}-${change.version}-${change.key}`}
            className="grid grid-cols-1 gap-x-4 border-b border-line py-2 text-sm sm:grid-cols-[11rem_1fr]"
          >
            <p className="text-ink-3">
              <Moment time={change.at} />
              <br />
              {change.actor.id}
            </p>
            <div className="min-w-0">
              <p className="wrap-anywhere">
                <span className="font-medium">{subjectOf(change)}</span> {changeIn(change)}
              </p>
              {change.reason === null ? null : <p className="text-ink-2">“{change.reason}”</p>}
            </div>
          </li>
        ))}
      </ol>
      {data !== undefined && changes.length === 0 ? (
        <p className="text-ink-2">Nothing of that kind has changed.</p>
      ) : null}
      {hasNextPage ? (
        <button type="button" className="button self-start" onClick={() => void fetchNextPage()}>
          Earlier changes
        </button>
      ) : null}
    </div>
  )
}

function subjectOf({ kind, version, key }: ChangeWire): string {
  if (kind === 'version') return `Version ${version}`
  const what = key === '' ? kind : `${kind} ${key}`
  return version === null ? what : `${what} of version ${version}`
}

/** What became of it: set and taken away are said so, the rest is what it was and what it is. */
function changeIn({ from, to }: ChangeWire): string {
  if (from === null) return `is ${to ?? 'nothing'}`
  return to === null ? `is gone; it was ${from}` : `${from} → ${to}`
}
