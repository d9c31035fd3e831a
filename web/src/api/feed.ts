import type { EntryWire } from '#protocols/api/ledger-wire'
import { eventsIn } from './event-stream.ts'

/** Whether news arrive as they happen. */
export type FeedState =
  | { readonly state: 'connecting' }
  | { readonly state: 'live' }
  | { readonly state: 'reconnecting'; readonly attempt: number }

const RETRY_MS = 500
const RETRY_MS_MAX = 15_000
/** The server speaks at least every 15 s; a line that is silent for longer than this is dead. */
const SILENCE_MS = 40_000

/**
 * Follows the ledger from the entry after `after`, for as long as it is not stopped: a broken line is
 * taken up again where it broke, so that no entry is missed and none comes twice.
 */
export function followLedger(options: {
  url: string
  after: number
  onEntries: (entries: readonly EntryWire[]) => void
  onState: (state: FeedState) => void
  retryMs?: number
}): () => void {
  const { url, onEntries, onState, retryMs = RETRY_MS } = options
  const stopping = new AbortController()
  let last = options.after

  const follow = async () => {
    let attempt = 0
    while (!stopping.signal.aborted) {
      onState(attempt === 0 ? { state: 'connecting' } : { state: 'reconnecting', attempt })
      try {
        await readOnce(() => {
          attempt = 0
          onState({ state: 'live' })
        })
      } catch {
        // Whatever broke the line, the remedy is to take it up again.
      }
      if (stopping.signal.aborted) return
      attempt += 1
      onState({ state: 'reconnecting', attempt })
      await pause(Math.min(RETRY_MS_MAX, retryMs * 2 ** (attempt - 1)), stopping.signal)
    }
  }

  const readOnce = async (onOpen: () => void) => {
    const silence = watchdog(SILENCE_MS)
    try {
      const response = await fetch(url, {
        headers: { accept: 'text/event-stream', 'last-event-id': String(last) },
        cache: 'no-store',
        signal: AbortSignal.any([stopping.signal, silence.signal]),
      })
      if (!response.ok || response.body === null) throw new Error(`answered ${response.status}`)
      onOpen()
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader()
      let buffer = ''
      for (;;) {
        const { done, value } = await reader.read()
        if (done) return
        silence.reset()
        const { events, rest } = eventsIn(buffer + value)
        buffer = rest
        if (events.length === 0) continue
        const entries = events.map((event) => JSON.parse(event.data) as EntryWire)
        last = entries.at(-1)?.position ?? last
        onEntries(entries)
      }
    } finally {
      silence.stop()
    }
  }

  void follow()
  return () => stopping.abort()
}

/** A signal that fires when nobody has reset it for `ms`. */
function watchdog(ms: number) {
  const controller = new AbortController()
  const arm = () => setTimeout(() => controller.abort(), ms)
  let timer = arm()
  const stop = () => clearTimeout(timer)
  return {
    signal: controller.signal,
    stop,
    reset: () => {
      stop()
      timer = arm()
    },
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms)
    signal.addEventListener('abort', () => {
      clearTimeout(timer)
      resolve()
    })
  })
}
