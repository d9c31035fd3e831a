import { Link } from '@tanstack/react-router'
import { useEffect, type ReactNode } from 'react'
import { SiteHeader } from './site-header.tsx'

/** A page below the header that all share: where it stands, what it is called, and what it tells. */
export function Page(parts: {
  title: string
  above?: ReactNode
  /** What stands beside the title, such as a state. */
  beside?: ReactNode
  aside?: ReactNode
  lead?: ReactNode
  children: ReactNode
}) {
  const { title, above, beside, aside, lead, children } = parts
  useTitle(title)
  return (
    <>
      <SiteHeader />
      <main
        id="content"
        tabIndex={-1}
        className="mx-auto flex max-w-[77.5rem] flex-col gap-5 px-4 pt-6 pb-12 outline-none sm:px-6"
      >
        <div className="flex flex-col gap-1.5">
          {above === undefined ? null : (
            <nav aria-label="Where this is" className="text-[0.8125rem] text-ink-3">
              {above}
            </nav>
          )}
          <div className="flex min-h-9 flex-wrap items-center justify-between gap-x-4 gap-y-2">
            <div className="flex min-w-0 flex-wrap items-center gap-x-3 gap-y-1">
              <h1 className="text-2xl font-semibold tracking-tight wrap-anywhere">{title}</h1>
              {beside}
            </div>
            {aside}
          </div>
          {lead === undefined ? null : (
            <div className="max-w-prose wrap-anywhere text-ink-2">{lead}</div>
          )}
        </div>
        {children}
      </main>
    </>
  )
}

/** Calls the browser's tab by the page. */
export function useTitle(title: string): void {
  useEffect(() => {
    document.title = `${title} · Orrery`
  }, [title])
}

const TAB =
  '-mb-px flex min-h-9 items-center border-b-2 px-3 text-sm whitespace-nowrap hover:text-ink'

/** How a tab looks; links and buttons are tabs alike. */
export function tabClass(chosen: boolean): string {
  return `${TAB} ${chosen ? 'border-accent text-ink' : 'border-transparent text-ink-2'}`
}

/** The pages below Settings. */
export function SettingsTabs() {
  return (
    <nav aria-label="Settings" className="flex gap-1 overflow-x-auto border-b border-line">
      {(
        [
          { to: '/settings/webhooks', words: 'Webhooks' },
          { to: '/settings/trash', words: 'Trash' },
        ] as const
      ).map(({ to, words }) => (
        <Link
          key={to}
          to={to}
          className={TAB}
          activeProps={{ className: 'border-accent text-ink', 'aria-current': 'page' }}
          inactiveProps={{ className: 'border-transparent text-ink-2' }}
        >
          {words}
        </Link>
      ))}
    </nav>
  )
}

/** What went wrong, in the server's own words, where it went wrong. */
export function Trouble({ error }: { error: Error | null }) {
  if (error === null) return null
  return (
    <p role="alert" className="rounded-lg bg-bad-tint px-4 py-3 text-sm wrap-anywhere text-bad">
      {error.message}
    </p>
  )
}

/** Said while a first answer is awaited. */
export function Waiting({ children }: { children: string }) {
  return <output className="py-12 text-center text-ink-3">{children}</output>
}

export const LINK = 'text-accent underline underline-offset-2'
