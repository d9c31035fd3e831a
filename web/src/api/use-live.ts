import { useQueryClient } from '@tanstack/react-query'
import { useEffect, useEffectEvent, useRef, useState } from 'react'
import type { EntryWire } from '#protocols/api/ledger-wire'
import { followLedger, type FeedState } from './feed.ts'
import { overviewQuery } from './queries.ts'

/** Whether the page keeps up with the ledger, and what came last. */
export type Live = FeedState | { readonly state: 'paused' }

const ENTRIES_KEPT = 50
/** While entries pour in, the overview is asked for at most this often. */
const REFRESH_MS = 1000
/** The server signs its head a second after the last entry; only then is the page at rest. */
const SIGNED_MS = 2500

/**
 * Follows the ledger from `size` on while the page is looked at, and has the overview asked for anew when
 * something was written. Other tabs leave the line: a browser has six for all of them.
 */
export function useLive(
  size: number | undefined,
  paused: boolean,
): { live: Live; fresh: readonly EntryWire[] } {
  const queries = useQueryClient()
  const [feed, setFeed] = useState<FeedState>({ state: 'connecting' })
  const [fresh, setFresh] = useState<readonly EntryWire[]>([])
  const [ledgers, setLedgers] = useState(0)
  const seen = useRef({ ledger: -1, position: -1 })
  const [refresh] = useState(() =>
    refresher(() => void queries.invalidateQueries({ queryKey: overviewQuery.queryKey })),
  )
  const ready = useVisible() && size !== undefined && !paused

  // A ledger that is shorter than what was seen of it is another one: the server was started afresh.
  const lookAgain = async () => {
    const { position } = seen.current
    const { ledger } = await queries.fetchQuery({ ...overviewQuery, staleTime: 0 })
    if (ledger.size > position) return
    setFresh([])
    setLedgers((count) => count + 1)
  }
  const startOf = useEffectEvent((ledger: number) => {
    if (seen.current.ledger !== ledger) seen.current = { ledger, position: (size ?? 0) - 1 }
    return seen.current.position
  })
  const onEntries = useEffectEvent((entries: readonly EntryWire[]) => {
    const { ledger, position } = seen.current
    seen.current = { ledger, position: entries.at(-1)?.position ?? position }
    setFresh((known) => [...entries.toReversed(), ...known].slice(0, ENTRIES_KEPT))
    refresh.ask()
  })
  const onState = useEffectEvent((state: FeedState) => {
    setFeed(state)
    if (state.state === 'live' && feed.state === 'reconnecting') lookAgain().catch(refresh.ask)
  })

  useEffect(() => {
    if (!ready) return undefined
    const stop = followLedger({
      url: '/api/v1/events',
      after: startOf(ledgers),
      onEntries: (entries) => onEntries(entries),
      onState: (state) => onState(state),
    })
    return () => {
      stop()
      refresh.forget()
    }
  }, [ready, ledgers, refresh])

  return { live: paused ? { state: 'paused' } : feed, fresh }
}

/** Runs `work` soon after it is asked for, however often that is, and once more when all is quiet. */
function refresher(work: () => void): { ask: () => void; forget: () => void } {
  let soon: number | undefined
  let rest: number | undefined
  return {
    ask: () => {
      soon ??= window.setTimeout(() => {
        soon = undefined
        work()
      }, REFRESH_MS)
      clearTimeout(rest)
      rest = window.setTimeout(work, SIGNED_MS)
    },
    forget: () => {
      clearTimeout(soon)
      clearTimeout(rest)
      soon = undefined
    },
  }
}

function useVisible(): boolean {
  const [visible, setVisible] = useState(document.visibilityState === 'visible')
  useEffect(() => {
    const look = () => setVisible(document.visibilityState === 'visible')
    document.addEventListener('visibilitychange', look)
    return () => document.removeEventListener('visibilitychange', look)
  }, [])
  return visible
}
