import { Equal, Minus, Pencil, Plus, Replace, type LucideIcon } from 'lucide-react'
import type { ColumnDifferenceWire, ProfileDifferenceWire } from '#protocols/api/data-wire'
import { count, percent } from '#web/ui/format.ts'
import { TopValues, TwoBars } from './bars.tsx'
import { Values as OneColumn } from './profile.tsx'
import { CELL, HEAD, NUMBER } from '#web/ui/table.ts'
import { distinctSaid, nullsSaid, rangeSaid, said } from './cells.ts'

const CHANGES: Readonly<Record<string, readonly [LucideIcon, string, string]>> = {
  added: [Plus, 'Added', 'text-good'],
  removed: [Minus, 'Removed', 'text-bad'],
  type: [Replace, 'Other type', 'text-warning'],
  values: [Pencil, 'Changed', 'text-ink'],
  none: [Equal, 'The same', 'text-ink-3'],
}

/** Two versions beside each other, column by column; what differs most is marked. */
export function Difference({ difference }: { difference: ProfileDifferenceWire }) {
  const { rows, columns } = difference
  const changed = columns.filter(({ change }) => change !== 'none').length
  return (
    <>
      <p className="text-sm text-ink-2">
        <span className="font-medium text-ink">
          {count(rows.old)} → {count(rows.new)} rows
        </span>
        ; {count(changed)} of {count(columns.length)} columns differ. Before → after in each cell;
        bars are the new version, the line and the mark over them the old one.
      </p>
      <section
        aria-label="Columns of both versions"
        // What scrolls has to be reached by keyboard.
        // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex
        tabIndex={0}
        className="overflow-x-auto"
      >
        <table className="w-full text-[0.8125rem]">
          <thead>
            <tr>
              {['Column', 'Change'].map((name) => (
                <th key={name} scope="col" className={HEAD}>
                  {name}
                </th>
              ))}
              {['Nulls', 'Distinct', 'Range', 'Mean'].map((name) => (
                <th key={name} scope="col" className={`${HEAD} text-right`}>
                  {name}
                </th>
              ))}
              <th scope="col" className={HEAD}>
                Values
              </th>
            </tr>
          </thead>
          <tbody>
            {columns.map((column) => (
              <Row key={column.name} column={column} difference={difference} />
            ))}
          </tbody>
        </table>
      </section>
    </>
  )
}

interface InDifference {
  readonly column: ColumnDifferenceWire
  readonly difference: ProfileDifferenceWire
}

type Column = NonNullable<ColumnDifferenceWire['old']>

function Row({ column, difference }: InDifference) {
  const { rows } = difference
  const { name, change, distance, old, new: current } = column
  const [Icon, words, ink] = CHANGES[change] ?? [Pencil, change, 'text-ink']
  const both = (say: (of: Column, of_: number) => string) => ({
    old: old === null ? null : say(old, rows.old),
    current: current === null ? null : say(current, rows.new),
  })
  return (
    <tr>
      <th scope="row" className={`${CELL} text-left font-medium`}>
        <span className="wrap-anywhere">{name}</span>
        <span className="block text-xs font-normal text-ink-3">
          <Both {...both(({ type }) => type)} />
        </span>
      </th>
      <td className={`${CELL} whitespace-nowrap`}>
        <span className={`inline-flex items-center gap-1.5 ${ink}`}>
          <Icon aria-hidden size={13} />
          {words}
        </span>
        {distance === null || change === 'none' ? null : (
          <span className="block pt-1 text-xs text-ink-3">{percent(distance)} lie elsewhere</span>
        )}
      </td>
      <td className={NUMBER}>
        <Both {...both(nullsSaid)} />
      </td>
      <td className={NUMBER}>
        <Both {...both(distinctSaid)} />
      </td>
      <td className={`${NUMBER} max-w-64 whitespace-normal wrap-anywhere`}>
        <Both {...both(rangeSaid)} />
      </td>
      <td className={NUMBER}>
        <Both {...both(({ mean }) => said(mean))} />
      </td>
      <td className={`${CELL} min-w-52`}>
        <Values column={column} difference={difference} />
      </td>
    </tr>
  )
}

/** What was before above what is after; once, where both are the same. */
function Both({ old, current }: { old: string | null; current: string | null }) {
  if (old === null || current === null || old === current) return <>{current ?? old}</>
  return (
    <>
      <span className="block text-ink-3">{old}</span>
      <span className="block">
        <span className="text-ink-3">→ </span>
        {current}
      </span>
    </>
  )
}

/** The values of both where they can be compared; else of the one that there is. */
function Values({ column, difference }: InDifference) {
  const { histograms, top, old, new: current } = column
  const { sampledRows } = difference
  if (histograms !== null) return <TwoBars {...histograms} current={histograms.new} />
  if (top !== null)
    return (
      <TopValues
        values={top.map(({ value, old: before, new: share }) => ({ value, share, before }))}
      />
    )
  if (current !== null) return <OneColumn column={current} sampledRows={sampledRows.new} />
  return old === null ? null : <OneColumn column={old} sampledRows={sampledRows.old} />
}
