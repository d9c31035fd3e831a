import {
  Activity,
  Box,
  Database,
  FlaskConical,
  Gauge,
  RefreshCw,
  Rocket,
  ShieldCheck,
  Workflow,
  type LucideIcon,
} from 'lucide-react'
import { useNavigate } from '@tanstack/react-router'
import type { OverviewWire } from '#protocols/api/overview-wire'
import { day, score } from '#web/ui/format.ts'
import { STATE_INK, StatePill } from '#web/ui/state.tsx'
import { arcFrom, arrowFrom, RING } from './ring.ts'
import type { Station, StationId } from './stations.ts'

export const STATION_ICONS: Readonly<Record<StationId, LucideIcon>> = {
  data: Database,
  pipeline: Workflow,
  run: FlaskConical,
  model: Box,
  checks: ShieldCheck,
  endpoint: Rocket,
  predictions: Activity,
  monitors: Gauge,
  policies: RefreshCw,
}

/** The loop as a ring of stations; each leads to the part of the page that tells more. */
export function LoopRing({
  overview,
  stations,
  pulses,
}: {
  overview: OverviewWire
  stations: readonly Station[]
  /** How often something has happened at each station since the page was opened. */
  pulses: Readonly<Partial<Record<StationId, number>>>
}) {
  return (
    <nav aria-label="The loop" className="loop">
      <div className="orbit">
        <RingPicture stations={stations} pulses={pulses} />
        <RingCentre overview={overview} />
        <ol className="stations">
          {stations.map((station) => (
            <StationItem key={station.id} station={station} pulse={pulses[station.id] ?? 0} />
          ))}
        </ol>
      </div>
    </nav>
  )
}

function StationItem({ station, pulse }: { station: Station; pulse: number }) {
  const navigate = useNavigate()
  const { id, title, state, word, fact } = station
  const Icon = STATION_ICONS[id]
  return (
    <li className={`station station-${state}`}>
      <a
        href={`#${id}`}
        className="station-link"
        onClick={(event) => {
          event.preventDefault()
          showPart(id)
          void navigate({
            to: '/',
            search: (view) => view,
            hash: id,
            hashScrollIntoView: false,
            resetScroll: false,
            replace: true,
          })
        }}
      >
        <span key={pulse} className={`station-dot ${STATE_INK[state]} ${pulse > 0 ? 'pulse' : ''}`}>
          <Icon aria-hidden size={14} strokeWidth={1.75} />
        </span>
        <span className="station-text text-[0.8125rem] font-semibold text-ink">{title}</span>
        <span className="station-fact truncate text-xs text-ink-2">{fact}</span>
        <span className="station-word">
          <StatePill state={state}>{word}</StatePill>
        </span>
      </a>
    </li>
  )
}

/** Brings a part of the page before the reader's eyes, and the keyboard with it. */
function showPart(id: string): void {
  const part = document.getElementById(id)
  if (part === null) return
  const still = matchMedia('(prefers-reduced-motion: reduce)').matches
  part.scrollIntoView({ behavior: still ? 'instant' : 'smooth', block: 'start' })
  part.focus({ preventScroll: true })
}

function RingPicture({
  stations,
  pulses,
}: {
  stations: readonly Station[]
  pulses: Readonly<Partial<Record<StationId, number>>>
}) {
  return (
    <svg aria-hidden viewBox={`0 0 ${RING.width} ${RING.height}`} className="orbit-picture">
      <ellipse
        cx={RING.width / 2}
        cy={RING.height / 2}
        rx={RING.radiusX * 0.62}
        ry={RING.radiusY * 0.56}
        fill="none"
        stroke="var(--line)"
        strokeWidth={1}
      />
      <ellipse
        cx={RING.width / 2}
        cy={RING.height / 2}
        rx={RING.radiusX}
        ry={RING.radiusY}
        fill="none"
        stroke="var(--line-strong)"
        strokeWidth={1.5}
        strokeDasharray={stations.every(({ state }) => state === 'none') ? '3 5' : undefined}
      />
      {stations.map(({ id }, place) => (
        <g key={id}>
          <path
            d="M-3.5 -4.5 L3 0 L-3.5 4.5"
            transform={arrowFrom(place)}
            fill="none"
            stroke="var(--ink-3)"
            strokeWidth={1.5}
            strokeLinecap="round"
            strokeLinejoin="round"
          />
          {(pulses[id] ?? 0) === 0 ? null : (
            <path
              key={pulses[id]}
              d={arcFrom(place)}
              pathLength={1}
              className="arc-travel"
              fill="none"
              stroke="var(--accent)"
              strokeWidth={3}
              strokeLinecap="round"
            />
          )}
        </g>
      ))}
    </svg>
  )
}

/** What the whole loop turns around: the champion, and how well it does. */
function RingCentre({ overview }: { overview: OverviewWire }) {
  const { champion, monitors } = overview
  const scored = monitors
    .flatMap(({ windows }) => windows)
    .findLast((window) => window.auc !== null)
  return (
    <div aria-hidden className="orbit-centre flex-col items-center gap-1 text-center">
      {champion === null ? (
        <p className="text-sm text-ink-3">No champion yet</p>
      ) : (
        <>
          <p className="text-xs text-ink-3">
            champion since {day(champion.event ?? champion.since)}
          </p>
          <p className="text-2xl font-semibold tracking-tight text-ink">
            {champion.model} <span className="text-accent">v{champion.version}</span>
          </p>
        </>
      )}
      {scored?.auc === undefined || scored.auc === null ? null : (
        <p className="text-sm text-ink-2 tabular-nums">
          AUC {score(scored.auc)}
          {scored.low === null || scored.high === null
            ? ''
            : ` (${score(scored.low)} to ${score(scored.high)})`}{' '}
          on {day(scored.start)}
        </p>
      )}
    </div>
  )
}
