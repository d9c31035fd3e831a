import { Link } from '@tanstack/react-router'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { wholeRunsQuery } from '#web/api/runs.ts'
import { cellText } from './cell.ts'

/** What the chosen runs have, side by side; at first only where they differ. */
export function Compare({ runIds }: { runIds: readonly string[] }) {
  const [all, setAll] = useState(false)
  const { data, error } = useQuery(wholeRunsQuery(runIds))
  if (error !== null)
    return (
      <p role="alert" className="text-bad">
        {error.message}
      </p>
    )
  if (data === undefined) return <output className="text-ink-3">Reading the runs…</output>
  return <Differences {...data} all={all} onAll={() => setAll(!all)} />
}

interface Held {
  readonly columns: readonly string[]
  readonly runs: readonly {
    readonly runId: string
    readonly values: Readonly<Record<string, string | number | null>>
  }[]
}

function Differences({ columns, runs, all, onAll }: Held & { all: boolean; onAll: () => void }) {
  const rows = columns
    .filter((column) => all || !column.startsWith('tags.mlflow.'))
    .map((column) => ({ column, values: runs.map(({ values }) => values[column] ?? null) }))
    .filter(({ values }) => all || new Set(values).size > 1)
  return (
    <div className="flex min-h-0 flex-1 flex-col gap-2">
      <label className="flex items-center gap-2 text-sm">
        <input type="checkbox" checked={!all} onChange={onAll} />
        Only what differs
      </label>
      {rows.length === 0 ? (
        <p className="text-ink-2">Nothing differs between these runs.</p>
      ) : (
        <section
          // What scrolls has to be reached by keyboard.
          // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex
          tabIndex={0}
          aria-label="Differences"
          className="min-h-0 flex-1 overflow-auto rounded-lg border border-line bg-surface"
        >
          <DifferenceTable rows={rows} runs={runs} />
        </section>
      )}
    </div>
  )
}

function DifferenceTable({
  rows,
  runs,
}: Pick<Held, 'runs'> & {
  rows: readonly { column: string; values: readonly (string | number | null)[] }[]
}) {
  return (
    <table className="w-full border-collapse text-sm">
      <caption className="sr-only">What the chosen runs have</caption>
      <thead className="sticky top-0 bg-surface">
        <tr className="border-b border-line">
          <th scope="col" className="px-2 py-1.5 text-left font-medium">
            Of the run
          </th>
          {runs.map(({ runId, values }) => (
            <th key={runId} scope="col" title={runId} className="px-2 py-1.5 text-left font-medium">
              <Link
                to="/runs/$run"
                params={{ run: runId }}
                search={{}}
                className="underline-offset-2 hover:text-accent hover:underline"
              >
                {cellText('', values['attributes.run_name'] ?? null)}
              </Link>
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map(({ column, values }) => (
          <tr key={column} className="border-b border-line">
            <th scope="row" className="px-2 py-1 text-left font-normal text-ink-2">
              {column}
            </th>
            {values.map((value, at) => (
              <td key={runs[at]?.runId} className="max-w-80 px-2 py-1 wrap-anywhere tabular-nums">
                {cellText(column, value)}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  )
}
