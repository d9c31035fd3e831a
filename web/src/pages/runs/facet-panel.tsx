import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import type { FacetWire } from '#protocols/api/runs-wire'
import { facetsQuery, type Scope } from '#web/api/runs.ts'
import { count, counted } from '#web/ui/format.ts'
import { cellText, columnName } from './cell.ts'
import { clauseFor, quoted, toggledClause } from './look.ts'
import { useLook } from './use-look.ts'

/** What the runs in sight hold, with counts; a click narrows the filter to it. */
export function FacetPanel({ scope, columns }: { scope: Scope; columns: readonly string[] }) {
  const keys = [
    'attributes.status',
    'attributes.user_id',
    ...columns.filter((column) => /^(metrics|params|tags)\./.test(column)).slice(0, 8),
  ]
  const { data } = useQuery(facetsQuery(scope, keys))
  if (data === undefined) return null
  return (
    <section aria-label="What the runs hold" className="flex flex-col gap-4">
      <p className="text-sm text-ink-2">
        <span className="font-semibold text-ink tabular-nums">{count(data.runs)}</span> runs
      </p>
      {data.facets.map((facet) => (
        <Facet key={facet.key} facet={facet} />
      ))}
    </section>
  )
}

function Facet({ facet }: { facet: FacetWire }) {
  return (
    <div className="flex flex-col gap-1">
      <h2 className="flex justify-between gap-2 text-xs font-medium text-ink-3">
        <span className="truncate">{columnName(facet.key)}</span>
        {facet.missing === 0 ? null : (
          <span className="shrink-0">{count(facet.missing)} without</span>
        )}
      </h2>
      {facet.of === 'values' ? <Values facet={facet} /> : <Range facet={facet} />}
    </div>
  )
}

function Values({ facet }: { facet: Extract<FacetWire, { of: 'values' }> }) {
  const { look, change } = useLook()
  const most = Math.max(1, ...facet.values.map(({ runs }) => runs))
  const hidden = facet.distinct - facet.values.length
  return (
    <ul>
      {facet.values.map(({ value, runs }) => {
        const shown = facet.key === 'attributes.status' ? String(value).toUpperCase() : value
        const clause = clauseFor(facet.key, shown)
        const on = clause !== undefined && (look.filter ?? '').includes(clause)
        return (
          <li key={value}>
            <button
              type="button"
              disabled={clause === undefined}
              aria-pressed={on}
              className={`relative flex min-h-6 w-full cursor-pointer items-center gap-2 overflow-hidden rounded px-1.5 text-left text-xs ${on ? 'font-semibold text-accent' : 'text-ink-2 hover:text-ink'}`}
              onClick={() =>
                clause !== undefined && change({ filter: toggledClause(look.filter, clause) })
              }
            >
              <span
                aria-hidden
                className="absolute inset-y-0.5 left-0 rounded bg-sunken"
                style={{ width: `${(runs / most) * 100}%` }}
              />
              <span className="relative min-w-0 flex-1 truncate">{cellText(facet.key, value)}</span>
              <span className="relative tabular-nums">{count(runs)}</span>
            </button>
          </li>
        )
      })}
      {hidden > 0 ? (
        <li className="px-1.5 text-xs text-ink-3">{count(hidden)} more values</li>
      ) : null}
    </ul>
  )
}

function Range({ facet }: { facet: Extract<FacetWire, { of: 'range' }> }) {
  const { look, change } = useLook()
  const [least, setLeast] = useState('')
  const most = Math.max(1, ...facet.bins.map(({ runs }) => runs))
  if (facet.min === null || facet.max === null)
    return <p className="text-xs text-ink-3">no numbers</p>
  const name = columnName(facet.key)
  const span = `${cellText(facet.key, facet.min)} to ${cellText(facet.key, facet.max)}`
  return (
    <div>
      {/* oxlint-disable-next-line jsx-a11y/prefer-tag-over-role -- a picture made of parts of the page */}
      <div role="img" aria-label={`${name}: ${span}`} className="flex h-8 items-end gap-px">
        {facet.bins.map(({ from, to, runs }) => (
          <span
            key={from}
            title={`${cellText(facet.key, from)} to ${cellText(facet.key, to)}: ${counted(runs, 'run')}`}
            className="flex-1 rounded-sm bg-accent/60"
            style={{ height: `${runs === 0 ? 0 : Math.max(6, (runs / most) * 100)}%` }}
          />
        ))}
      </div>
      <p className="flex justify-between text-xs text-ink-3 tabular-nums">
        <span>{cellText(facet.key, facet.min)}</span>
        <span>{cellText(facet.key, facet.max)}</span>
      </p>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          change({ filter: toggledClause(look.filter, `${quoted(facet.key)} >= ${Number(least)}`) })
          setLeast('')
        }}
      >
        <input
          type="number"
          step="any"
          required
          aria-label={`${name} at least`}
          placeholder="at least"
          value={least}
          onChange={(event) => setLeast(event.target.value)}
          className="field"
        />
      </form>
    </div>
  )
}
