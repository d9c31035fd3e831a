import { systemClock, type Clock } from '#base/clock'

/** What is drawn to; `process.stderr` is one. */
export interface Screen {
  readonly isTTY?: boolean
  readonly columns?: number
  write(text: string): unknown
}

export interface Progress {
  /** So many more are done; `note` says what of, or what else there is to tell. */
  add(count: number, note?: string): void
  /** How many there are in all, once that is known. */
  expect(total: number): void
  /** Takes the bar away. */
  end(): void
}

/** Short work shows nothing, so that it does not flicker. */
const SILENT_MS = 1000
const DRAW_MS = 100
const LINE_MS = 5000
const BAR_CHARS = 24

/**
 * Shows how far long work has come: a bar with its rate and the time that is left on a terminal, a plain line
 * every few seconds elsewhere, and nothing when the answer is JSON or quiet was asked for. It speaks on standard
 * error, so that the answer can be piped.
 */
export function showProgress(
  what: string,
  flags: { json?: boolean | undefined; quiet?: boolean | undefined },
  world: { screen?: Screen; clock?: Clock } = {},
): Progress {
  const { screen = process.stderr, clock = systemClock } = world
  if (flags.json === true || flags.quiet === true) return SILENT
  const isBar = screen.isTTY === true
  const startMs = clock.nowMs()
  let shownMs = startMs + SILENT_MS - (isBar ? DRAW_MS : LINE_MS)
  let state: State = { what, done: 0, total: null, note: '', seconds: 0 }
  let isDrawn = false
  return {
    add: (count, note = state.note) => {
      const nowMs = clock.nowMs()
      state = { ...state, done: state.done + count, note, seconds: (nowMs - startMs) / 1000 }
      if (nowMs - shownMs < (isBar ? DRAW_MS : LINE_MS) || nowMs - startMs < SILENT_MS) return
      shownMs = nowMs
      const line = lineOf(state)
      if (isBar) screen.write(`\r\u001b[2K${line.slice(0, (screen.columns ?? 80) - 1)}`)
      else screen.write(`${line}\n`)
      isDrawn = true
    },
    expect: (total) => {
      state = { ...state, total }
    },
    end: () => {
      if (isBar && isDrawn) screen.write('\r\u001b[2K')
    },
  }
}

const SILENT: Progress = { add: () => undefined, expect: () => undefined, end: () => undefined }

interface State {
  readonly what: string
  readonly done: number
  readonly total: number | null
  readonly note: string
  readonly seconds: number
}

function lineOf({ what, done, total, note, seconds }: State): string {
  const rate = seconds === 0 ? 0 : done / seconds
  const speed = `${rate >= 10 ? Math.round(rate) : rate.toFixed(1)}/s`
  const tail = note === '' ? '' : `  ${note}`
  if (total === null || total === 0) return `${done} ${what}  ${speed}${tail}`
  const share = Math.min(1, done / total)
  const full = Math.round(share * BAR_CHARS)
  const bar = '█'.repeat(full) + '░'.repeat(BAR_CHARS - full)
  const left = rate === 0 || done >= total ? '' : `  ${shortTime((total - done) / rate)} left`
  return `${bar} ${Math.floor(share * 100)}%  ${done}/${total} ${what}  ${speed}${left}${tail}`
}

/** A span of time as people say it: `45s`, `3m 20s`, `2h 5m`. */
export function shortTime(seconds: number): string {
  const whole = Math.round(seconds)
  if (whole < 60) return `${whole}s`
  if (whole < 3600) return `${Math.floor(whole / 60)}m ${whole % 60}s`
  return `${Math.floor(whole / 3600)}h ${Math.floor((whole % 3600) / 60)}m`
}
