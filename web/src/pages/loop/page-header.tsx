import { Pause, Play } from 'lucide-react'
import type { Live } from '#web/api/use-live.ts'
import { SiteHeader } from '#web/ui/site-header.tsx'

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
    <SiteHeader about={projects.join(', ')} aside={<LiveButton live={live} onPause={onPause} />} />
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
