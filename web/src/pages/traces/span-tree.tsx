import { useNavigate } from '@tanstack/react-router'
import { CircleAlert } from 'lucide-react'
import type { SpanWire } from '#protocols/api/traces-wire'
import { branchesOf, lengthOf, placeOf, type Branch } from './tree.ts'
import { shortTime } from './words.tsx'

/** Spans that a list shows; a trace of more is read as JSON. */
const SHOWN_MAX = 1000

/** The spans as a tree beside the time that each took. */
export function SpanTree({
  trace,
  spans,
  chosen,
}: {
  trace: string
  spans: readonly SpanWire[]
  chosen: string
}) {
  const branches = branchesOf(spans)
  const wholeMs = lengthOf(spans)
  return (
    <>
      <h2 className="pb-2 text-sm font-semibold">
        Spans{' '}
        <span className="font-normal text-ink-3">
          {spans.length} in {shortTime(wholeMs)}
        </span>
      </h2>
      <ol className="flex flex-col" aria-label="Spans, each below the one that called it">
        {branches.slice(0, SHOWN_MAX).map((branch) => (
          <SpanLine
            key={branch.span.span}
            trace={trace}
            branch={branch}
            wholeMs={wholeMs}
            isChosen={branch.span.span === chosen}
          />
        ))}
      </ol>
      {branches.length > SHOWN_MAX ? (
        <p className="text-xs text-ink-3">and {branches.length - SHOWN_MAX} more</p>
      ) : null}
    </>
  )
}

function SpanLine({
  trace,
  branch: { span, depth },
  wholeMs,
  isChosen,
}: {
  trace: string
  branch: Branch
  wholeMs: number
  isChosen: boolean
}) {
  const navigate = useNavigate()
  const failed = span.status === 'ERROR'
  return (
    <li>
      <button
        type="button"
        aria-pressed={isChosen}
        className={`grid w-full cursor-pointer grid-cols-[minmax(8rem,1fr)_minmax(5rem,1fr)_4.5rem] items-center gap-2 rounded-md px-2 py-1.5 text-left text-[0.8125rem] hover:bg-sunken ${isChosen ? 'bg-sunken' : ''}`}
        onClick={() =>
          void navigate({
            to: '/traces/$trace',
            params: { trace },
            search: { span: span.span },
            replace: true,
            resetScroll: false,
          })
        }
      >
        <span className="flex min-w-0 items-center gap-1.5">
          <Indent depth={depth} />
          {failed ? (
            <CircleAlert aria-label="failed" size={13} className="shrink-0 text-bad" />
          ) : null}
          <span className={`truncate ${isChosen ? 'font-medium' : ''}`}>{span.name}</span>
          {span.type === null || span.type === 'UNKNOWN' ? null : (
            <span className="shrink-0 text-[0.6875rem] text-ink-3">
              {span.type.toLowerCase().replaceAll('_', ' ')}
            </span>
          )}
        </span>
        <Bar {...placeOf(span, wholeMs)} failed={failed} />
        <span className="text-right text-xs text-ink-2 tabular-nums">
          {shortTime(span.durationMs)}
        </span>
      </button>
    </li>
  )
}

function Indent({ depth }: { depth: number }) {
  const width = Math.min(depth, 12) * 14
  return <svg aria-hidden width={width} height="1" className="shrink-0" />
}

/** When in the whole the span ran. */
function Bar({ left, width, failed }: { left: number; width: number; failed: boolean }) {
  return (
    <svg aria-hidden viewBox="0 0 100 8" preserveAspectRatio="none" className="h-2 w-full">
      <rect width="100" height="8" rx="1" fill="var(--sunken)" />
      <rect
        x={Math.min(99, left * 100)}
        width={Math.max(0.75, Math.min(100 - left * 100, width * 100))}
        height="8"
        fill={failed ? 'var(--bad)' : 'var(--chart-auc)'}
      />
    </svg>
  )
}
