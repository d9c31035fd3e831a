import { useNavigate, useSearch } from '@tanstack/react-router'
import type { Look } from './look.ts'

/** What the reader sees now, and the way to change a part of it; undefined takes a part back. */
export function useLook(): {
  look: Look
  change: (part: Look) => void
  replace: (look: Look) => void
} {
  const look: Look = useSearch({ from: '/runs' })
  const navigate = useNavigate()
  const go = (search: Look) =>
    void navigate({ to: '/runs', search, replace: true, resetScroll: false })
  return { look, change: (part) => go({ ...look, ...part }), replace: go }
}
