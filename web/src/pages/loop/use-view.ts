import { useNavigate, useSearch } from '@tanstack/react-router'
import type { MonitorWire, OverviewWire } from '#protocols/api/overview-wire'
import type { View } from './view.ts'

/** What the reader sees now, and the way to change a part of it; undefined takes a part back. */
export function useView(): { view: View; change: (change: View) => void } {
  const view: View = useSearch({ from: '/' })
  const navigate = useNavigate()
  const change = (part: View) =>
    void navigate({
      to: '/',
      search: { ...view, ...part },
      hash: true,
      replace: true,
      resetScroll: false,
      hashScrollIntoView: false,
    })
  return { view, change }
}

/** The monitor of the endpoint that the reader has chosen, or else of the first. */
export function useMonitor({ monitors }: OverviewWire): MonitorWire | undefined {
  const { view } = useView()
  return monitors.find((each) => each.endpoint === view.endpoint) ?? monitors[0]
}
