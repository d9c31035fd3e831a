import { Link } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import type { PolicyRunShown } from '#protocols/api/policy-wire'
import { LINK } from '#web/ui/page.tsx'
import { StatePill, type State } from '#web/ui/state.tsx'
import { STANDS } from './words.ts'

/** How something stands, in the words of its table. */
export function Standing({
  word,
  of = STANDS,
}: {
  word: string
  of?: Readonly<Record<string, readonly [State, string]>>
}) {
  const [state, words] = of[word] ?? (['none', word] as const)
  return <StatePill state={state}>{words}</StatePill>
}

/** The policies and the backfills are pages beside each other. */
export function PoliciesTabs() {
  return (
    <nav aria-label="Policies" className="flex gap-1 overflow-x-auto border-b border-line">
      {(
        [
          { to: '/policies', words: 'Policies' },
          { to: '/policies/backfills', words: 'Backfills' },
        ] as const
      ).map(({ to, words }) => (
        <Link
          key={to}
          to={to}
          search={{}}
          activeOptions={{ exact: true, includeSearch: false }}
          activeProps={{ className: 'border-accent text-ink', 'aria-current': 'page' }}
          inactiveProps={{ className: 'border-transparent text-ink-2' }}
          className="-mb-px flex min-h-9 items-center border-b-2 px-3 text-sm whitespace-nowrap hover:text-ink"
        >
          {words}
        </Link>
      ))}
    </nav>
  )
}

/** The server asks for a run of the pipeline under the name of the policy run, where that is short enough. */
const NAME_MAX = 100

/** The run of the pipeline that a policy run asked for; null while there is none. */
export function pipelineRunOf({ id, state, pipelineRun }: PolicyRunShown): string | null {
  if (state === 'queued') return null
  return id.length <= NAME_MAX ? id : pipelineRun
}

/** The way to a run of a pipeline. */
export function PipelineLink({ run, children }: { run: string; children: ReactNode }) {
  return (
    <Link to="/pipelines/$run" params={{ run }} search={{}} className={LINK}>
      {children}
    </Link>
  )
}
