import { Link } from '@tanstack/react-router'
import { createContext, use } from 'react'
import { ThemeSwitch } from './theme.tsx'

const PLACES = [
  { to: '/', words: 'Loop' },
  { to: '/runs', words: 'Runs' },
  { to: '/models', words: 'Models' },
] as const

/** Places that not everybody has something at: the page tells which there are. */
export const MorePlaces = createContext<readonly { to: '/traces'; words: string }[]>([])

/** The way between the pages. */
export function SiteNav() {
  const more = use(MorePlaces)
  return (
    <nav aria-label="Pages" className="flex gap-1">
      {[...PLACES, ...more].map(({ to, words }) => (
        <Link
          key={to}
          to={to}
          search={{}}
          activeOptions={{ exact: to === '/', includeSearch: false }}
          activeProps={{ className: 'bg-sunken text-ink', 'aria-current': 'page' }}
          inactiveProps={{ className: 'text-ink-2 hover:text-ink' }}
          className="rounded-md px-2 py-1 text-sm"
        >
          {words}
        </Link>
      ))}
    </nav>
  )
}

/** The header of a page that fills the width. */
export function SiteHeader() {
  return (
    <header className="sticky top-0 z-10 border-b border-line bg-bg/85 backdrop-blur-md">
      <div className="flex h-14 items-center gap-3 px-4">
        <span className="font-semibold tracking-tight">Orrery</span>
        <SiteNav />
        <div className="ml-auto">
          <ThemeSwitch />
        </div>
      </div>
    </header>
  )
}
