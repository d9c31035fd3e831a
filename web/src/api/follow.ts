import { eventsIn, type StreamEvent } from './event-stream.ts'
import type { FeedState } from './feed.ts'

const RETRY_MS = 500
const RETRY_MS_MAX = 15_000
/** The server speaks at least every 15 s; a line that is silent for longer than this is dead. */
const SILENCE_MS = 40_000

/**
 * Follows server-sent events until they say that they are over, or nobody wants them: a broken line is
 * taken up again after the last event that came whole.
 */
export function followEvents(options: {
  url: string
  /** Gets whole events in order; true says that there will be no more. */
  onEvents: (events: readonly StreamEvent[]) => boolean
  onState: (state: FeedState) => void
}): () => void {
  const { url, onEvents, onState } = options
  const stopping = new AbortController()
  let last: string | null = null

  const readOnce = async (onOpen: () => void): Promise<boolean> => {
    const silence = new AbortController()
    let timer = setTimeout(() => silence.abort(), SILENCE_MS)
    try {
      const response = await fetch(url, {
        headers: {
          accept: 'text/event-stream',
          ...(last === null ? {} : { 'last-event-id': last }),
        },
        cache: 'no-store',
        signal: AbortSignal.any([stopping.signal, silence.signal]),
      })
      if (!response.ok || response.body === null) throw new Error(`answered ${response.status}`)
      onOpen()
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader()
      for (let buffer = ''; ;) {
        const { done, value } = await reader.read()
        if (done) return false
        clearTimeout(timer)
        timer = setTimeout(() => silence.abort(), SILENCE_MS)
        const { events, rest } = eventsIn(buffer + value)
        buffer = rest
        if (events.length === 0) continue
        last = events.findLast(({ id }) => id !== null)?.id ?? last
        if (onEvents(events)) return true
      }
    } finally {
      clearTimeout(timer)
    }
  }

  const follow = async () => {
    for (let attempt = 0; !stopping.signal.aborted; attempt++) {
      onState(attempt === 0 ? { state: 'connecting' } : { state: 'reconnecting', attempt })
      const isOver = await readOnce(() => {
        attempt = 0
        onState({ state: 'live' })
      }).catch(() => false)
      if (isOver) {
        stopping.abort()
        return
      }
      const wait = Math.min(RETRY_MS_MAX, RETRY_MS * 2 ** attempt)
      await new Promise((resolve) => setTimeout(resolve, wait))
    }
  }
  void follow()
  return () => stopping.abort()
}
