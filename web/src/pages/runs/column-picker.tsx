import { useQuery } from '@tanstack/react-query'
import { Columns3 } from 'lucide-react'
import { useState } from 'react'
import { columnsQuery, type Scope } from '#web/api/runs.ts'
import { count } from '#web/ui/format.ts'
import { columnName } from './cell.ts'
import { useLook } from './use-look.ts'

/** Which columns the table shows, out of those that the runs have. */
export function ColumnPicker({ scope, columns }: { scope: Scope; columns: readonly string[] }) {
  const [search, setSearch] = useState('')
  const { change } = useLook()
  const { data } = useQuery(columnsQuery(scope, search))
  const groups = [
    { of: 'metrics', keys: data?.metrics.keys ?? [] },
    { of: 'params', keys: data?.params.keys ?? [] },
    { of: 'tags', keys: data?.tags.keys ?? [] },
    { of: 'attributes', keys: (data?.attributes ?? []).map((key) => ({ key, runs: null })) },
  ]
  const toggle = (column: string) =>
    change({
      columns: columns.includes(column)
        ? columns.filter((each) => each !== column)
        : [...columns, column],
    })
  return (
    <details className="relative">
      <summary className="button">
        <Columns3 aria-hidden size={14} />
        Columns
      </summary>
      <div className="menu right-0 w-72 max-md:right-auto max-md:left-0">
        <input
          type="search"
          aria-label="Find a column"
          placeholder="Find a column"
          value={search}
          onChange={(event) => setSearch(event.target.value)}
          className="field"
        />
        {groups.map(({ of, keys }) =>
          keys.length === 0 ? null : (
            <fieldset key={of} className="min-w-0">
              <legend className="pt-1 text-xs font-medium text-ink-3">{of}</legend>
              {keys.map(({ key, runs }) => (
                <label key={key} className="flex min-h-7 items-center gap-2 text-sm">
                  <input
                    type="checkbox"
                    checked={columns.includes(`${of}.${key}`)}
                    onChange={() => toggle(`${of}.${key}`)}
                  />
                  <span className="min-w-0 flex-1 truncate">{columnName(`${of}.${key}`)}</span>
                  <span className="text-xs text-ink-3">{runs === null ? '' : count(runs)}</span>
                </label>
              ))}
            </fieldset>
          ),
        )}
      </div>
    </details>
  )
}
