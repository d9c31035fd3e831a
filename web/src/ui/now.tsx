import { useSyncExternalStore } from 'react'
import { ago, inUtc, moment } from './format.ts'

const TICK_MS = 5000

let nowMs = Date.now()
let timer: ReturnType<typeof setInterval> | undefined
const readers = new Set<() => void>()

/** The time to the nearest tick; all who show it change together. */
export function useNow(): number {
  return useSyncExternalStore(subscribe, () => nowMs)
}

function subscribe(reader: () => void): () => void {
  readers.add(reader)
  timer ??= setInterval(() => {
    nowMs = Date.now()
    for (const each of readers) each()
  }, TICK_MS)
  return () => {
    readers.delete(reader)
    if (readers.size > 0) return
    clearInterval(timer)
    timer = undefined
  }
}

/** How long ago something was written, with the moment itself on hover. */
export function Ago({ time }: { time: string }) {
  const now = useNow()
  return (
    <time dateTime={time} title={`${moment(time)} (${inUtc(time)})`}>
      {ago(time, now)}
    </time>
  )
}

/** A moment in the reader's zone, with UTC on hover. */
export function Moment({ time }: { time: string | number }) {
  const written = new Date(time).toISOString()
  return (
    <time dateTime={written} title={inUtc(written)}>
      {moment(written)}
    </time>
  )
}
