import { useEffect, useMemo, useRef, useState, type KeyboardEvent, type MouseEvent } from 'react'
import type { ShownPipelineGraph } from '#protocols/api/pipelines-wire'
import type { ShownRunStage } from '#protocols/api/run-requests-wire'
import { counted } from '#web/ui/format.ts'
import { STATE_ICON, STATE_INK } from '#web/ui/state.tsx'
import { NODE_HEIGHT, type Drawing, type NodeSize } from './layout-types.ts'
import { lookOf, stateWords } from './states.tsx'

const NAME_CHARS_MAX = 28
const CHAR_PX = 7.2
const AROUND_PX = 44
const SCALES = [0.25, 0.5, 0.75, 1] as const

/** Who needs whom, with how each stage stands. The list below says the same in words. */
export function Graph(parts: {
  graph: ShownPipelineGraph
  stages: readonly ShownRunStage[]
  chosen: string | undefined
  onChoose: (stage: string) => void
}) {
  const { graph, stages, chosen, onChoose } = parts
  const drawing = useDrawing(graph)
  const [scale, setScale] = useState<number>(graph.stages.length > 60 ? 0.5 : 1)
  const box = useRef<HTMLElement>(null)
  const states = useMemo(() => new Map(stages.map(({ stage, state }) => [stage, state])), [stages])
  const isDrawn = drawing !== undefined
  useEffect(() => {
    if (!isDrawn) return
    const name = CSS.escape(chosen ?? '')
    const node = box.current?.querySelector(`[data-stage="${name}"]`)
    node?.scrollIntoView({ block: 'nearest', inline: 'nearest' })
  }, [chosen, isDrawn])
  if (drawing === undefined) return <p className="text-sm text-ink-3">Drawing…</p>
  const onClick = ({ target }: MouseEvent) => {
    const name = (target as Element).closest('[data-stage]')?.getAttribute('data-stage')
    if (name !== null && name !== undefined) onChoose(name)
  }
  const onKeyDown = (event: KeyboardEvent) => {
    const next = nextStage(drawing, chosen, event.key)
    if (next === undefined) return
    event.preventDefault()
    onChoose(next)
  }
  return (
    <div className="flex flex-col gap-2">
      {/* Its list below has buttons for the same. */}
      {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-element-interactions */}
      <section
        ref={box}
        aria-label="Graph; arrow keys follow its lines"
        // What scrolls has to be reached by keyboard, and its arrow keys follow the lines.
        // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex
        tabIndex={0}
        className="max-h-[28rem] overflow-auto rounded-lg border border-line bg-bg"
        onKeyDown={onKeyDown}
        onClick={onClick}
      >
        <svg
          width={drawing.width * scale}
          height={drawing.height * scale}
          viewBox={`0 0 ${drawing.width} ${drawing.height}`}
          className="mx-auto block"
          // oxlint-disable-next-line jsx-a11y/prefer-tag-over-role -- it is drawn here
          role="img"
          aria-label={saidOf(graph, stages)}
        >
          <Lines drawing={drawing} />
          {drawing.nodes.map((node) => (
            <Node
              key={node.name}
              node={node}
              state={states.get(node.name) ?? 'queued'}
              isChosen={node.name === chosen}
            />
          ))}
        </svg>
      </section>
      <Scales scale={scale} from={graph.from} onScale={setScale} />
    </div>
  )
}

function Scales(parts: {
  scale: number
  from: ShownPipelineGraph['from']
  onScale: (scale: number) => void
}) {
  const { scale, from, onScale } = parts
  return (
    <div className="flex gap-1">
      {SCALES.map((each) => (
        <button
          key={each}
          type="button"
          aria-pressed={each === scale}
          className={`min-h-6 cursor-pointer rounded-md px-2 text-xs tabular-nums ${each === scale ? 'bg-sunken text-ink' : 'text-ink-3 hover:text-ink'}`}
          onClick={() => onScale(each)}
        >
          {each * 100} %
        </button>
      ))}
      {from === 'record' ? (
        <span className="self-center text-xs text-ink-3">
          by what stages read and made; the commit is out of reach
        </span>
      ) : null}
    </div>
  )
}

function Lines({ drawing }: { drawing: Drawing }) {
  const path = useMemo(
    () =>
      drawing.edges
        .map(({ points }) =>
          points.map(([x, y], at) => `${at === 0 ? 'M' : 'L'}${x} ${y}`).join(''),
        )
        .join(''),
    [drawing],
  )
  return <path d={path} fill="none" stroke="var(--line-strong)" strokeWidth={1.5} />
}

function Node(parts: { node: Drawing['nodes'][number]; state: string; isChosen: boolean }) {
  const { node, state, isChosen } = parts
  const look = lookOf(state)
  const Icon = STATE_ICON[look]
  return (
    <g
      data-stage={node.name}
      transform={`translate(${node.x - node.width / 2} ${node.y - NODE_HEIGHT / 2})`}
      className={`cursor-pointer ${STATE_INK[look]}`}
    >
      <title>{`${node.name}: ${stateWords(state)}`}</title>
      <rect
        width={node.width}
        height={NODE_HEIGHT}
        rx={8}
        fill="var(--surface)"
        stroke={isChosen ? 'var(--accent)' : 'currentColor'}
        strokeWidth={isChosen ? 2.5 : 1}
      />
      <Icon aria-hidden x={10} y={NODE_HEIGHT / 2 - 7} width={14} height={14} />
      <text x={30} y={NODE_HEIGHT / 2 + 4.5} fontSize={13} fill="var(--ink)">
        {shortName(node.name)}
      </text>
    </g>
  )
}

function shortName(name: string): string {
  return name.length <= NAME_CHARS_MAX ? name : `${name.slice(0, NAME_CHARS_MAX - 1)}…`
}

/** The drawing, made beside the page so that it goes on meanwhile. */
function useDrawing({ stages }: ShownPipelineGraph): Drawing | undefined {
  const [drawing, setDrawing] = useState<Drawing>()
  const words = JSON.stringify(
    stages.map(({ stage, needs }): NodeSize => ({
      name: stage,
      needs,
      width: Math.ceil(shortName(stage).length * CHAR_PX) + AROUND_PX,
    })),
  )
  useEffect(() => {
    const worker = new Worker(new URL('layout-worker.ts', import.meta.url), { type: 'module' })
    worker.addEventListener('message', ({ data }: MessageEvent<Drawing>) => {
      setDrawing(data)
      worker.terminate()
    })
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker has none
    worker.postMessage(JSON.parse(words))
    return () => worker.terminate()
  }, [words])
  return drawing
}

/** Up to what is needed, down to what needs it, sideways to those at the same height. */
function nextStage(
  { nodes, edges }: Drawing,
  chosen: string | undefined,
  key: string,
): string | undefined {
  const here = nodes.find(({ name }) => name === chosen)
  if (here === undefined) return key.startsWith('Arrow') ? nodes[0]?.name : undefined
  if (key === 'ArrowUp') return edges.find(({ to }) => to === here.name)?.from
  if (key === 'ArrowDown') return edges.find(({ from }) => from === here.name)?.to
  const side = key === 'ArrowRight' ? 1 : key === 'ArrowLeft' ? -1 : 0
  if (side === 0) return undefined
  return nodes
    .filter(({ x, y }) => y === here.y && (x - here.x) * side > 0)
    .toSorted((one, other) => (one.x - other.x) * side)[0]?.name
}

function saidOf({ stages }: ShownPipelineGraph, run: readonly ShownRunStage[]): string {
  const failed = run.filter(({ state }) => state === 'failed').map(({ stage }) => stage)
  const lines = stages.reduce((sum, { needs }) => sum + needs.length, 0)
  const said = `${counted(stages.length, 'stage')} with ${counted(lines, 'line')} between them`
  return failed.length === 0 ? said : `${said}; failed: ${failed.slice(0, 5).join(', ')}`
}
