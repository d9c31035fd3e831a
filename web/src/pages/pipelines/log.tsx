import { useVirtualizer } from '@tanstack/react-virtual'
import { useEffect, useMemo, useRef, useState } from 'react'
import { count, counted } from '#web/ui/format.ts'
import { rowsIn } from './log-text.ts'
import { useLog } from './use-log.ts'

const ROW_PX = 18
const WRAPPED_CHARS = 120

/** What a stage printed, as it prints it. */
export function Log({ pipelineRun, stage }: { pipelineRun: string; stage: string }) {
  const { text, raw, live } = useLog(pipelineRun, stage)
  const rows = useMemo(() => rowsIn(text), [text])
  const [follows, setFollows] = useState(true)
  const [wraps, setWraps] = useState(false)
  const [search, setSearch] = useState('')
  const [at, setAt] = useState(0)
  const found = useMemo(() => placesOf(rows, search), [rows, search])
  const shown = found.length === 0 ? undefined : found[at % found.length]
  const step = (by: number) => {
    setFollows(false)
    setAt((at + by + found.length) % Math.max(1, found.length))
  }
  return (
    <>
      <div className="flex flex-wrap items-center gap-x-4 gap-y-2 text-sm">
        <input
          type="search"
          aria-label="Find in the log"
          placeholder="Find in the log…"
          className="field w-48"
          value={search}
          onChange={({ target }) => {
            setSearch(target.value)
            setAt(0)
            setFollows(false)
          }}
          onKeyDown={(event) => {
            if (event.key !== 'Enter') return
            event.preventDefault()
            step(event.shiftKey ? -1 : 1)
          }}
        />
        <output className="min-w-16 text-xs text-ink-3">
          {search === ''
            ? ''
            : found.length === 0
              ? 'not there'
              : `${(at % found.length) + 1} of ${count(found.length)}`}
        </output>
        <Switch name="Follow" on={follows} onChange={setFollows} />
        <Switch name="Wrap" on={wraps} onChange={setWraps} />
        <button
          type="button"
          className="button"
          onClick={() => download(raw.current, `${stage}.log`)}
        >
          Download
        </button>
        <span className="ml-auto text-xs text-ink-3">
          {counted(rows.length, 'line')} · {live}
        </span>
      </div>
      {rows.length === 0 ? (
        <p className="text-sm text-ink-2">
          {live === 'whole' ? 'It printed nothing.' : 'Nothing was printed yet.'}
        </p>
      ) : (
        <Lines
          key={String(wraps)}
          rows={rows}
          wraps={wraps}
          follows={follows}
          shown={shown}
          onLeave={() => setFollows(false)}
        />
      )}
    </>
  )
}

function Switch(parts: { name: string; on: boolean; onChange: (on: boolean) => void }) {
  const { name, on, onChange } = parts
  return (
    <label className="flex min-h-6 items-center gap-1.5">
      <input type="checkbox" checked={on} onChange={({ target }) => onChange(target.checked)} />
      {name}
    </label>
  )
}

function Lines(parts: {
  rows: readonly string[]
  wraps: boolean
  follows: boolean
  shown: number | undefined
  onLeave: () => void
}) {
  const { rows, wraps, follows, shown, onLeave } = parts
  const box = useRef<HTMLElement>(null)
  // What it gives is never kept from one drawing to the next.
  // oxlint-disable-next-line react/incompatible-library
  const lines = useVirtualizer({
    count: rows.length,
    getScrollElement: () => box.current,
    estimateSize: (at) =>
      wraps ? ROW_PX * Math.ceil(((rows[at]?.length ?? 0) || 1) / WRAPPED_CHARS) : ROW_PX,
    overscan: 20,
  })
  useEffect(() => {
    if (shown !== undefined) lines.scrollToIndex(shown, { align: 'center' })
  }, [lines, shown])
  useEffect(() => {
    if (follows) lines.scrollToIndex(rows.length - 1, { align: 'end' })
  }, [lines, follows, rows.length])
  return (
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-element-interactions -- it only scrolls
    <section
      ref={box}
      aria-label="Lines of the log"
      // What scrolls has to be reached by keyboard.
      // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex
      tabIndex={0}
      className="h-96 overflow-auto rounded-lg border border-line bg-sunken p-2 font-mono text-xs"
      // Who scrolls back wants to read there.
      onWheel={({ deltaY }) => (deltaY < 0 ? onLeave() : undefined)}
    >
      <div className="relative min-w-full" style={{ height: lines.getTotalSize() }}>
        {lines.getVirtualItems().map(({ index, start }) => (
          <div
            key={index}
            data-index={index}
            ref={wraps ? lines.measureElement : undefined}
            className={`absolute top-0 left-0 min-w-full leading-[18px] ${wraps ? 'max-w-full wrap-anywhere whitespace-pre-wrap' : 'whitespace-pre'} ${index === shown ? 'bg-warning-tint text-ink' : ''}`}
            style={{ transform: `translateY(${start}px)` }}
          >
            {rows[index] === '' ? ' ' : rows[index]}
          </div>
        ))}
      </div>
    </section>
  )
}

function placesOf(rows: readonly string[], search: string): number[] {
  if (search === '') return []
  const wanted = search.toLowerCase()
  return rows.flatMap((row, at) => (row.toLowerCase().includes(wanted) ? [at] : []))
}

function download(pieces: readonly string[], name: string): void {
  const address = URL.createObjectURL(new Blob([...pieces], { type: 'text/plain' }))
  const link = document.createElement('a')
  link.href = address
  link.download = name.replaceAll(/[^\w.-]/g, '_')
  link.click()
  setTimeout(() => URL.revokeObjectURL(address), 10_000)
}
