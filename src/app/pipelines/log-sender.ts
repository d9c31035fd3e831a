import { withoutCredentials } from '#base/credentials'

const PAUSE_MS = 150
/** Sent at once when so much has come together. */
const PIECE_CHARS = 256 * 1024
/** What waits for a server that does not keep up; beyond, the middle is left out. */
const WAITING_CHARS_MAX = 4 * 1024 * 1024
/** The longest address that is held back until all of it was said. */
const ADDRESS_CHARS_MAX = 2000

interface Waiting {
  text: string
  /** Bytes that were sent before it. */
  sent: number
  timer: NodeJS.Timeout | undefined
  sending: Promise<void> | undefined
}

export interface LogSender {
  /** Takes what a stage said; never throws, and keeps nobody waiting. */
  add(place: string, text: string): void
  /** Resolves when all that was taken is sent, or cannot be. */
  end(place: string): Promise<void>
}

/** Sends what stages print in pieces, one after the other; what the server does not take in time is lost. */
export function logSender(
  send: (place: string, body: { from: number; text: string }) => Promise<unknown>,
): LogSender {
  const places = new Map<string, Waiting>()

  const sendAll = async (place: string, waiting: Waiting, isEnd: boolean) => {
    for (;;) {
      const text = takeFrom(waiting, isEnd)
      if (text === '') return
      const from = waiting.sent
      waiting.sent += Buffer.byteLength(text)
      // The stage goes on whatever becomes of its log.
      await send(place, { from, text }).catch(() => undefined)
    }
  }
  const start = (place: string, waiting: Waiting) => {
    clearTimeout(waiting.timer)
    waiting.timer = undefined
    waiting.sending ??= sendAll(place, waiting, false).finally(() => {
      waiting.sending = undefined
    })
  }

  return {
    add: (place, text) => {
      const waiting = places.get(place) ?? {
        text: '',
        sent: 0,
        timer: undefined,
        sending: undefined,
      }
      places.set(place, waiting)
      waiting.text = bounded(waiting.text + text)
      if (waiting.text.length >= PIECE_CHARS) start(place, waiting)
      else waiting.timer ??= setTimeout(() => start(place, waiting), PAUSE_MS)
    },
    end: async (place) => {
      const waiting = places.get(place)
      if (waiting === undefined) return
      clearTimeout(waiting.timer)
      await waiting.sending
      await sendAll(place, waiting, true)
      places.delete(place)
    },
  }
}

/** The next piece; the beginning of an address stays until the rest has come, so that no half of it gets by. */
function takeFrom(waiting: Waiting, isEnd: boolean): string {
  const rest = isEnd ? '' : (/\S*$/.exec(waiting.text.slice(-ADDRESS_CHARS_MAX))?.[0] ?? '')
  const held = /:\/\/|^h(t(t(ps?:?\/?)?)?)?$/.test(rest) ? rest : ''
  const text = waiting.text.slice(0, waiting.text.length - held.length)
  waiting.text = held
  return withoutCredentials(text)
}

function bounded(text: string): string {
  if (text.length <= WAITING_CHARS_MAX) return text
  const half = WAITING_CHARS_MAX / 4
  const left = text.length - 2 * half
  return `${text.slice(0, half)}\n… ${left} characters were left out: the server did not take them in time …\n${text.slice(-half)}`
}
