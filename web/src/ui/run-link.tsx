import { Link } from '@tanstack/react-router'
import { shortened } from './format.ts'
import { LINK } from './page.tsx'

/** The way to a run, by the beginning of its identifier. */
export function RunLink({ run, length }: { run: string; length?: number }) {
  return (
    <Link
      to="/runs/$run"
      params={{ run }}
      search={{}}
      title={run}
      className={`${LINK} font-mono text-xs`}
    >
      {shortened(run, length)}
    </Link>
  )
}
