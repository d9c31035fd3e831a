import type { ServerResponse } from 'node:http'

/** Aborts when the caller has gone before it was answered. */
export function goneSignal(answer: ServerResponse): AbortSignal {
  const gone = new AbortController()
  answer.once('close', () => {
    if (!answer.writableFinished) gone.abort()
  })
  return gone.signal
}
