import { setTimeout as sleep } from 'node:timers/promises'
import { PARTS, type News } from '../news.ts'
import type { Address } from './address.ts'
import { openSession, persistently, type Session } from './session.ts'
import { CHANNEL } from './writer.ts'

const AGAIN_MS = 500

/** Relays what the commits of all processes bring, until stopped. */
export function listenForNews(address: Address, news: News): { close(): Promise<void> } {
  const closed = new AbortController()
  const isWanted = () => !closed.signal.aborted
  let session: Session | undefined

  const listen = async (): Promise<void> => {
    const opened = await openSession(address)
    // It was closed while it was opened.
    if (!isWanted()) return opened.close()
    opened.onNotice((part) => PARTS.filter((each) => each === part).forEach(news.relay))
    session = opened
    await opened.query(`listen ${CHANNEL}`)
    // Something may have happened while nobody listened.
    PARTS.forEach(news.relay)
    await opened.lost
  }
  const pause = () => sleep(AGAIN_MS, undefined, { signal: closed.signal }).catch(() => undefined)
  const listenOn = async () => {
    // It begins anew for as long as the server runs; until then the polls of whoever waits find the work.
    while (isWanted()) await persistently(listen, { address, isWanted }).catch(pause)
  }
  const listening = listenOn()
  return {
    close: async () => {
      closed.abort()
      await session?.close()
      await listening
    },
  }
}
