import { Link } from '@tanstack/react-router'
import { useVirtualizer } from '@tanstack/react-virtual'
import { ArrowDown, ArrowUp, ChevronDown, ChevronRight } from 'lucide-react'
import { useEffect, useRef, type KeyboardEvent, type ReactNode } from 'react'
import { inUtc } from '#web/ui/format.ts'
import { RunState } from '#web/ui/run-state.tsx'
import { cellText, columnName, isNumeric, isTime } from './cell.ts'
import { orderAfter, quoted, SELECTED_MAX } from './look.ts'
import type { Row } from './rows.ts'
import { useLook } from './use-look.ts'

const ROW_PX = 34

interface Parts {
  readonly rows: readonly Row[]
  readonly columns: readonly string[]
  readonly opened: ReadonlySet<string>
  readonly onToggle: (runId: string) => void
  /** Asks for the next page when the end comes into sight; undefined when there is none. */
  readonly onEnd: (() => void) | undefined
}

/** The runs, of which only those in sight are drawn. */
export function RunsTable({ rows, columns, opened, onToggle, onEnd }: Parts) {
  const place = useRef<HTMLDivElement>(null)
  // What it gives changes while it stays the same object; nothing here keeps any of it.
  // oxlint-disable-next-line react/incompatible-library
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => place.current,
    estimateSize: () => ROW_PX,
    overscan: 12,
  })
  const drawn = virtual.getVirtualItems()
  const last = drawn.at(-1)?.index ?? 0
  useEffect(() => {
    if (last >= rows.length - 20) onEnd?.()
  }, [last, rows.length, onEnd])
  const above = drawn[0]?.start ?? 0
  const below = virtual.getTotalSize() - (drawn.at(-1)?.end ?? 0)

  const focusRow = (at: number) => {
    virtual.scrollToIndex(at)
    requestAnimationFrame(() =>
      place.current?.querySelector<HTMLElement>(`tr[data-at="${at}"] [data-row]`)?.focus(),
    )
  }
  const onKey = (event: KeyboardEvent, at: number) =>
    afterKey(event, { rows, at, opened, onToggle, focusRow })

  return (
    <div
      ref={place}
      className="min-h-0 flex-1 overflow-auto rounded-lg border border-line bg-surface"
    >
      <table className="w-full border-collapse text-sm" aria-rowcount={rows.length + 1}>
        <caption className="sr-only">Runs</caption>
        <thead className="sticky top-0 z-[1] bg-surface">
          <tr aria-rowindex={1} className="border-b border-line">
            <th scope="col" className="w-9 px-2">
              <span className="sr-only">Chosen</span>
            </th>
            <th scope="col" className="px-2 py-1.5 text-left font-medium">
              Run
            </th>
            {columns.map((column) => (
              <Head key={column} column={column} />
            ))}
          </tr>
        </thead>
        <tbody>
          {above > 0 ? <Gap px={above} /> : null}
          {drawn.map(({ index }) => {
            const row = rows[index]
            if (row === undefined) return null
            return (
              <RunRow
                key={`${index}-${row.runId}`}
                row={row}
                at={index}
                columns={columns}
                open={opened.has(row.runId)}
                onToggle={onToggle}
                onKey={onKey}
              />
            )
          })}
          {below > 0 ? <Gap px={below} /> : null}
        </tbody>
      </table>
    </div>
  )
}

/** Up and down walk the rows; right and left open and close what is below one. */
function afterKey(
  event: KeyboardEvent,
  {
    rows,
    at,
    opened,
    onToggle,
    focusRow,
  }: Pick<Parts, 'rows' | 'opened' | 'onToggle'> & { at: number; focusRow: (at: number) => void },
): void {
  const row = rows[at]
  if (row === undefined) return
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key]
  if (step !== undefined) {
    event.preventDefault()
    focusRow(Math.min(rows.length - 1, Math.max(0, at + step)))
  } else if (event.key === 'ArrowRight' && row.children > 0 && !opened.has(row.runId))
    onToggle(row.runId)
  else if (event.key === 'ArrowLeft' && opened.has(row.runId)) onToggle(row.runId)
}

/** Stands for the rows that are out of sight. */
function Gap({ px }: { px: number }) {
  return <tr aria-hidden style={{ height: px }} />
}

function Head({ column }: { column: string }) {
  const { look, change } = useLook()
  const name = quoted(column)
  const sortable = ![
    'attributes.experiment_name',
    'attributes.parent_run_id',
    'attributes.child_count',
    'attributes.experiment_id',
    'attributes.lifecycle_stage',
  ].includes(column)
  const direction =
    look.order === `${name} DESC`
      ? 'descending'
      : look.order === `${name} ASC`
        ? 'ascending'
        : 'none'
  const Icon = direction === 'descending' ? ArrowDown : ArrowUp
  const align = isNumeric(column) ? 'justify-end text-right' : 'text-left'
  return (
    <th
      scope="col"
      aria-sort={sortable ? direction : undefined}
      className="px-2 py-1.5 font-medium whitespace-nowrap"
    >
      {sortable ? (
        <button
          type="button"
          title={column}
          className={`flex min-h-6 w-full cursor-pointer items-center gap-1 ${align} hover:text-accent`}
          onClick={() => change({ order: orderAfter(look.order, column) })}
        >
          {columnName(column)}
          {direction === 'none' ? null : <Icon aria-hidden size={12} />}
        </button>
      ) : (
        <span className={`flex min-h-6 items-center ${align}`}>{columnName(column)}</span>
      )}
    </th>
  )
}

interface RowParts {
  readonly row: Row
  readonly open: boolean
  readonly onToggle: (runId: string) => void
}

function RunRow({
  row,
  at,
  columns,
  open,
  onToggle,
  onKey,
}: RowParts & {
  at: number
  columns: readonly string[]
  onKey: (event: KeyboardEvent, at: number) => void
}) {
  const { look, change } = useLook()
  const selected = look.selected ?? []
  const chosen = selected.includes(row.runId)
  const choose = () =>
    change({
      selected: chosen ? selected.filter((each) => each !== row.runId) : [...selected, row.runId],
    })
  return (
    <tr
      data-at={at}
      aria-rowindex={at + 2}
      style={{ height: ROW_PX }}
      className={`border-b border-line ${chosen ? 'bg-sunken' : 'hover:bg-sunken/60'}`}
    >
      <td className="px-2 text-center">
        <input
          type="checkbox"
          aria-label={`Choose ${nameOf(row)}`}
          checked={chosen}
          disabled={!chosen && selected.length >= SELECTED_MAX}
          onChange={choose}
          onKeyDown={(event) => onKey(event, at)}
        />
      </td>
      <NameCell
        row={row}
        open={open}
        onToggle={onToggle}
        onKey={(event) => {
          if (event.key === 'x' && (chosen || selected.length < SELECTED_MAX)) choose()
          else onKey(event, at)
        }}
      />
      {columns.map((column) => (
        <Cell key={column} column={column} row={row} />
      ))}
    </tr>
  )
}

function Cell({ column, row }: { column: string; row: Row }) {
  const value = row.values[column] ?? null
  const utc = isTime(column) && value !== null ? inUtc(Number(value)) : undefined
  return (
    <td
      title={utc}
      className={`max-w-64 truncate px-2 ${isNumeric(column) ? 'text-right tabular-nums' : ''}`}
    >
      {shown(column, value)}
    </td>
  )
}

function shown(column: string, value: string | number | null): ReactNode {
  if (column === 'attributes.status' && value !== null) return <RunState status={String(value)} />
  return cellText(column, value)
}

function nameOf({ values }: Row): string {
  return cellText('', values['attributes.run_name'] ?? null)
}

function NameCell({
  row,
  open,
  onToggle,
  onKey,
}: RowParts & { onKey: (event: KeyboardEvent) => void }) {
  const name = nameOf(row)
  const Icon = open ? ChevronDown : ChevronRight
  return (
    <th scope="row" className="max-w-72 px-2 text-left font-medium">
      <span className="flex min-w-0 items-center" style={{ paddingLeft: row.depth * 16 }}>
        {row.children > 0 ? (
          <button
            type="button"
            aria-expanded={open}
            className="grid size-6 shrink-0 cursor-pointer place-items-center rounded text-ink-3 hover:text-ink"
            onClick={() => onToggle(row.runId)}
          >
            <Icon aria-hidden size={14} />
            <span className="sr-only">
              {row.children} runs below {name}
            </span>
          </button>
        ) : (
          <span className="w-6 shrink-0" />
        )}
        <Link
          data-row=""
          to="/runs/$run"
          params={{ run: row.runId }}
          search={{}}
          title={row.runId}
          className="min-w-0 scroll-mt-10 truncate underline-offset-2 hover:text-accent hover:underline"
          onKeyDown={onKey}
        >
          {name}
        </Link>
      </span>
    </th>
  )
}
