import { useNavigate, useParams, useSearch } from '@tanstack/react-router'
import type { RunView } from './view.ts'

/** What the reader sees of the run now, and the way to change a part of it; undefined takes a part back. */
export function useRunView(): {
  runId: string
  view: RunView
  change: (part: RunView) => void
} {
  const { run: runId } = useParams({ from: '/runs/$run' })
  const view: RunView = useSearch({ from: '/runs/$run' })
  const navigate = useNavigate()
  const change = (part: RunView) =>
    void navigate({
      to: '/runs/$run',
      params: { run: runId },
      search: { ...view, ...part },
      replace: true,
      resetScroll: false,
    })
  return { runId, view, change }
}
