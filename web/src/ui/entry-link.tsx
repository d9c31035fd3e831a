import { Link } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import { LINK } from './page.tsx'

/** An entry of the ledger, shown on Home. */
export function EntryLink({ entry, children }: { entry: number; children: ReactNode }) {
  return (
    <Link to="/" search={{ entry }} hash="ledger" className={LINK}>
      {children}
    </Link>
  )
}
