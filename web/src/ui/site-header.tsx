import { Link } from '@tanstack/react-router'
import { Search } from 'lucide-react'
import { createContext, use, type ReactNode } from 'react'
import { Logo } from './logo.tsx'
import { ThemeSwitch } from './theme.tsx'

const PLACES = [
  { to: '/', words: 'Home' },
  { to: '/data', words: 'Data' },
  { to: '/pipelines', words: 'Pipelines' },
  { to: '/runs', words: 'Experiments' },
  { to: '/models', words: 'Models' },
  { to: '/endpoints', words: 'Endpoints' },
  { to: '/alerts', words: 'Alerts' },
  { to: '/policies', words: 'Policies' },
  { to: '/traces', words: 'Traces' },
  { to: '/settings', words: 'Settings' },
] as const

/** What the pages tell the header that all of them share. */
export const Shell = createContext({
  /** Not everybody has traces: the way to them shows from the first one on. */
  hasTraces: false,
  openGoTo: (): void => undefined,
})

/** The header of every page: the way between the pages, and what the page itself puts beside it. */
export function SiteHeader({ about, aside }: { about?: string; aside?: ReactNode }) {
  return (
    <header className="sticky top-0 z-10 border-b border-line bg-bg/85 backdrop-blur-md">
      <a
        href="#content"
        className="sr-only z-20 rounded-md bg-surface px-3 py-2 focus:not-sr-only focus:absolute focus:top-3 focus:left-3"
      >
        Skip to the content
      </a>
      <div className="flex min-h-14 flex-wrap items-center gap-x-3 px-4 sm:px-6">
        <p className="flex min-w-0 items-center gap-2 py-3">
          <Logo />
          <span className="font-semibold tracking-tight max-[24rem]:sr-only">Orrery</span>
          <span className="hidden max-w-48 truncate text-ink-3 lg:inline">{about}</span>
        </p>
        <SiteNav />
        <div className="ml-auto flex items-center gap-2">
          <GoToButton />
          {aside}
          <ThemeSwitch />
        </div>
      </div>
    </header>
  )
}

function SiteNav() {
  const { hasTraces } = use(Shell)
  const places = PLACES.filter(({ to }) => to !== '/traces' || hasTraces)
  return (
    <nav
      aria-label="Pages"
      className="order-last -mx-1 flex basis-full overflow-x-auto px-1 pb-2 sm:gap-1 md:order-none md:mx-0 md:basis-auto md:py-2"
    >
      {places.map(({ to, words }) => (
        <Link
          key={to}
          to={to}
          search={{}}
          activeOptions={{ exact: to === '/', includeSearch: false }}
          activeProps={{ className: 'bg-sunken text-ink', 'aria-current': 'page' }}
          inactiveProps={{ className: 'text-ink-2 hover:text-ink' }}
          className="rounded-md px-1.5 py-1 text-sm whitespace-nowrap sm:px-2"
        >
          {words}
        </Link>
      ))}
    </nav>
  )
}

function GoToButton() {
  const { openGoTo } = use(Shell)
  return (
    <button
      type="button"
      aria-keyshortcuts="Control+K Meta+K"
      className="flex h-8 cursor-pointer items-center gap-2 rounded-lg border border-line bg-surface px-2 text-xs text-ink-2 hover:text-ink"
      onClick={openGoTo}
    >
      <Search aria-hidden size={14} />
      <span className="max-lg:sr-only">Go to…</span>
      <kbd aria-hidden className="hidden font-sans text-ink-3 lg:inline">
        {isMac() ? '⌘K' : 'Ctrl K'}
      </kbd>
    </button>
  )
}

function isMac(): boolean {
  return navigator.userAgent.includes('Mac')
}
