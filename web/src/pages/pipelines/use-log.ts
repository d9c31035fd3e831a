import { useEffect, useRef, useState, type RefObject } from 'react'
import type { ShownLogPiece } from '#protocols/api/run-requests-wire'
import { followEvents } from '#web/api/follow.ts'
import { logAddress } from '#web/api/pipelines.ts'
import { EMPTY_LOG, grown, type LogText } from './log-text.ts'

/** While a stage prints a lot, the page is drawn anew at most this often. */
const DRAW_MS = 100

/** Follows a log from its first byte to its last; a broken line is taken up at the byte where it broke. */
export function useLog(
  pipelineRun: string,
  stage: string,
): { text: LogText; raw: RefObject<string[]>; live: string } {
  const [text, setText] = useState<LogText>(EMPTY_LOG)
  const [live, setLive] = useState('connecting')
  const raw = useRef<string[]>([])
  useEffect(() => {
    let next = 0
    let pending = ''
    let timer: number | undefined
    raw.current = []
    const draw = () => {
      timer = undefined
      const more = pending
      pending = ''
      setText((before) => grown(before, more))
    }
    const take = (piece: ShownLogPiece) => {
      const left = piece.from - next
      if (left < 0) return
      const words = left === 0 || next === 0 ? '' : `\n… ${left} bytes were not kept …\n`
      raw.current.push(words, piece.text)
      pending += words + piece.text
      next = piece.next
      timer ??= window.setTimeout(draw, DRAW_MS)
    }
    const stop = followEvents({
      url: `${logAddress(pipelineRun, stage)}?follow=true`,
      onEvents: (events) => {
        for (const { type, data } of events)
          if (type === 'log') take(JSON.parse(data) as ShownLogPiece)
        const isOver = events.some(({ type }) => type === 'end')
        if (isOver) setLive('whole')
        return isOver
      },
      onState: ({ state }) => setLive(state),
    })
    return () => {
      stop()
      clearTimeout(timer)
      setText(EMPTY_LOG)
    }
  }, [pipelineRun, stage])
  return { text, raw, live }
}
