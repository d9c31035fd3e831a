import { Pause, Play } from 'lucide-react'
import type { Live } from '#web/api/use-live.ts'
import { SiteNav } from '#web/ui/site-header.tsx'
import { ThemeSwitch } from '#web/ui/theme.tsx'

const LIVE_WORDS: Readonly<Record<Live['state'], string>> = {
  connecting: 'Connecting',
  live: 'Live',
  reconnecting: 'Reconnecting',
  paused: 'Paused',
}

const LIVE_DOT: Readonly<Record<Live['state'], string>> = {
  connecting: 'bg-ink-3',
  live: 'bg-good',
  reconnecting: 'bg-warning',
  paused: 'bg-ink-3',
}

export function PageHeader({
  projects,
  live,
  onPause,
}: {
  projects: readonly string[]
  live: Live
  onPause: () => void
}) {
  return (
    <header className="sticky top-0 z-10 border-b border-line bg-bg/85 backdrop-blur-md">
      <div className="mx-auto flex h-14 max-w-[77.5rem] items-center gap-3 px-4 sm:px-6">
        <Logo />
        <p className="flex min-w-0 items-baseline gap-2">
          <span className="font-semibold tracking-tight">Orrery</span>
          <span className="hidden truncate text-ink-3 sm:inline">{projects.join(', ')}</span>
        </p>
        <div className="hidden sm:block">
          <SiteNav />
        </div>
        <div className="ml-auto flex items-center gap-2">
          <LiveButton live={live} onPause={onPause} />
          <ThemeSwitch />
        </div>
      </div>
    </header>
  )
}

/** Says whether news arrive, and holds them back or lets them come. */
function LiveButton({ live, onPause }: { live: Live; onPause: () => void }) {
  const paused = live.state === 'paused'
  const Icon = paused ? Play : Pause
  return (
    <>
      <button
        type="button"
        aria-pressed={paused}
        title={paused ? 'Let news come again' : 'Hold news back'}
        className="flex h-8 cursor-pointer items-center gap-2 rounded-lg border border-line bg-surface px-2.5 text-xs font-medium text-ink-2 hover:text-ink"
        onClick={onPause}
      >
        <span aria-hidden className={`size-2 rounded-full ${LIVE_DOT[live.state]}`} />
        {LIVE_WORDS[live.state]}
        <Icon aria-hidden size={12} strokeWidth={2} className="text-ink-3" />
        <span className="sr-only">{paused ? ': let news come again' : ': hold news back'}</span>
      </button>
      <output className="sr-only">
        {live.state === 'reconnecting' ? 'The line to the server is cut; trying again.' : ''}
      </output>
    </>
  )
}

function Logo() {
  return (
    <svg aria-hidden viewBox="0 0 32 32" className="size-6 shrink-0">
      <ellipse
        cx="16"
        cy="16"
        rx="13"
        ry="7"
        fill="none"
        stroke="var(--accent)"
        strokeWidth="2"
        transform="rotate(-20 16 16)"
      />
      <circle cx="16" cy="16" r="4" fill="var(--chart-drift-over)" />
      <circle cx="27.6" cy="10.2" r="3" fill="var(--accent)" />
    </svg>
  )
}
