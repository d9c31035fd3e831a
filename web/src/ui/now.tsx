import { useSyncExternalStore } from 'react'
import { ago, moment } from './format.ts'

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
    <time dateTime={time} title={moment(time)}>
      {ago(time, now)}
    </time>
  )
}
