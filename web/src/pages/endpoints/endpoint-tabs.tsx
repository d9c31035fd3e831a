import { Link } from '@tanstack/react-router'
import { tabClass } from '#web/ui/page.tsx'

const TABS = [
  { to: '/endpoints/$endpoint', words: 'Serving' },
  { to: '/endpoints/$endpoint/monitoring', words: 'Monitoring' },
] as const

/** What an endpoint answers, and what its monitors found. */
export function EndpointTabs({ endpoint }: { endpoint: string }) {
  return (
    <nav aria-label="Endpoint" className="flex gap-1 overflow-x-auto border-b border-line">
      {TABS.map(({ to, words }) => (
        <Link
          key={to}
          to={to}
          params={{ endpoint }}
          search={{}}
          activeOptions={{ exact: true, includeSearch: false }}
          activeProps={{ className: tabClass(true), 'aria-current': 'page' }}
          inactiveProps={{ className: tabClass(false) }}
        >
          {words}
        </Link>
      ))}
    </nav>
  )
}
