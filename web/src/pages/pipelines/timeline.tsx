import { useVirtualizer } from '@tanstack/react-virtual'
import { useRef } from 'react'
import type { ShownPipelineDetail } from '#protocols/api/pipelines-wire'
import type { ShownRunStage } from '#protocols/api/run-requests-wire'
import { counted, duration } from '#web/ui/format.ts'
import { useNow } from '#web/ui/now.tsx'
import { STATE_ICON, STATE_INK } from '#web/ui/state.tsx'
import { Took } from './facts.tsx'
import { lookOf, stateWords } from './states.tsx'

const ROW_PX = 36

/** The stages one under the other, with when each of them ran; for keys and ears it is the graph as a list. */
export function Timeline(parts: {
  run: ShownPipelineDetail
  chosen: string | undefined
  onChoose: (stage: string) => void
}) {
  const { run, chosen, onChoose } = parts
  const { stages } = run
  const now = useNow()
  const box = useRef<HTMLDivElement>(null)
  // What it gives is never kept from one drawing to the next.
  // oxlint-disable-next-line react/incompatible-library
  const rows = useVirtualizer({
    count: stages.length,
    getScrollElement: () => box.current,
    estimateSize: () => ROW_PX,
    overscan: 12,
  })
  const span = spanOf(stages, run.ended === null ? now : undefined)
  if (stages.length === 0)
    return <p className="text-sm text-ink-2">No stage is known yet: the run has not begun.</p>
  return (
    <>
      <p className="text-[0.8125rem] text-ink-3">
        {tallied(stages)}
        {span === null ? '' : `, within ${duration(span.to - span.from)}`}
      </p>
      <div ref={box} className="max-h-[32rem] overflow-y-auto">
        <ol className="relative" style={{ height: rows.getTotalSize() }}>
          {rows.getVirtualItems().map(({ index, start }) => {
            const stage = stages[index]
            if (stage === undefined) return null
            return (
              <li
                key={stage.stage}
                aria-setsize={stages.length}
                aria-posinset={index + 1}
                className="absolute inset-x-0 top-0 border-t border-line"
                style={{ height: ROW_PX, transform: `translateY(${start}px)` }}
              >
                <Row
                  stage={stage}
                  span={span}
                  now={now}
                  isChosen={stage.stage === chosen}
                  onChoose={onChoose}
                />
              </li>
            )
          })}
        </ol>
      </div>
    </>
  )
}

interface Span {
  readonly from: number
  readonly to: number
}

function Row(parts: {
  stage: ShownRunStage
  span: Span | null
  now: number
  isChosen: boolean
  onChoose: (stage: string) => void
}) {
  const { stage, span, now, isChosen, onChoose } = parts
  const state = lookOf(stage.state)
  const Icon = STATE_ICON[state]
  return (
    <button
      type="button"
      data-row=""
      aria-pressed={isChosen}
      className={`grid h-full w-full cursor-pointer grid-cols-[minmax(0,1fr)_auto] items-center gap-3 px-2 text-left text-sm sm:grid-cols-[minmax(0,14rem)_8rem_minmax(0,1fr)_5rem] ${isChosen ? 'bg-sunken' : 'hover:bg-sunken'}`}
      onClick={() => onChoose(stage.stage)}
    >
      <span className="truncate font-medium" title={stage.stage}>
        {stage.stage}
      </span>
      <span className={`flex items-center gap-1.5 text-xs ${STATE_INK[state]}`}>
        <Icon
          aria-hidden
          size={13}
          className={stage.state === 'running' ? 'turning shrink-0' : 'shrink-0'}
        />
        {stateWords(stage.state)}
      </span>
      <span aria-hidden className="relative hidden h-3 sm:block">
        <Bar stage={stage} span={span} now={now} />
      </span>
      <span className="hidden text-right text-xs whitespace-nowrap text-ink-3 tabular-nums sm:block">
        <Took run={stage} />
      </span>
    </button>
  )
}

function Bar({ stage, span, now }: { stage: ShownRunStage; span: Span | null; now: number }) {
  if (span === null || stage.started === null) return null
  const whole = Math.max(1, span.to - span.from)
  const from = Date.parse(stage.started)
  const to = stage.ended === null ? Math.max(now, from) : Date.parse(stage.ended)
  return (
    <span
      className={`absolute inset-y-0 min-w-1 rounded-sm bg-current opacity-70 ${STATE_INK[lookOf(stage.state)]}`}
      style={{
        left: `${Math.min(99, ((from - span.from) / whole) * 100)}%`,
        width: `${Math.max(0, Math.min(100, ((to - from) / whole) * 100))}%`,
      }}
    />
  )
}

/** From the first beginning to the last end, or to now. */
function spanOf(stages: readonly ShownRunStage[], now: number | undefined): Span | null {
  let [from, to] = [Infinity, now ?? -Infinity]
  for (const { started, ended } of stages) {
    if (started !== null) from = Math.min(from, Date.parse(started))
    if (ended !== null) to = Math.max(to, Date.parse(ended))
  }
  return from === Infinity ? null : { from, to: Math.max(from, to) }
}

function tallied(stages: readonly ShownRunStage[]): string {
  const counts = new Map<string, number>()
  for (const { state } of stages) counts.set(state, (counts.get(state) ?? 0) + 1)
  const each = [...counts].map(([state, many]) => `${many} ${stateWords(state).toLowerCase()}`)
  return `${counted(stages.length, 'stage')}: ${each.join(', ')}`
}
