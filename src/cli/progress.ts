import { systemClock, type Clock } from '#base/clock'
import { sizeOf } from './retention.ts'

/** What is drawn to; `process.stderr` is one. */
export interface Screen {
  readonly isTTY?: boolean
  readonly columns?: number
  write(text: string): unknown
}

export interface Progress {
  /** So many more are done; `note` says what of, or what else there is to tell. */
  add(count: number, note?: string): void
  /** So many more bytes have passed, whatever is done by that. */
  pass(sizeBytes: number): void
  /** How many there are in all, once that is known, and how many bytes they have. */
  expect(total: number, sizeBytes?: number): void
  /** Takes the bar away. */
  end(): void
}

/** Short work shows nothing, so that it does not flicker. */
const SILENT_MS = 1000
const DRAW_MS = 100
const LINE_MS = 5000
const BAR_CHARS = 24
const BAR_CHARS_MIN = 6

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
  let state: State = { what, done: 0, total: null, note: '', seconds: 0, bytes: 0, ofBytes: 0 }
  let isDrawn = false
  const show = (change: Partial<State>) => {
    const nowMs = clock.nowMs()
    state = { ...state, ...change, seconds: (nowMs - startMs) / 1000 }
    if (nowMs - shownMs < (isBar ? DRAW_MS : LINE_MS) || nowMs - startMs < SILENT_MS) return
    shownMs = nowMs
    const room = isBar ? (screen.columns || 80) - 1 : Number.POSITIVE_INFINITY
    const line = lineOf(state, room)
    if (isBar) screen.write(`\r\u001b[2K${line.slice(0, room)}`)
    else screen.write(`${line}\n`)
    isDrawn = true
  }
  return {
    add: (count, note = state.note) => show({ done: state.done + count, note }),
    pass: (sizeBytes) => show({ bytes: state.bytes + sizeBytes }),
    expect: (total, ofBytes = 0) => {
      state = { ...state, total, ofBytes }
    },
    end: () => {
      if (isBar && isDrawn) screen.write('\r\u001b[2K')
    },
  }
}

const SILENT: Progress = {
  add: () => undefined,
  pass: () => undefined,
  expect: () => undefined,
  end: () => undefined,
}

interface State {
  readonly what: string
  readonly done: number
  readonly total: number | null
  readonly note: string
  readonly seconds: number
  readonly bytes: number
  /** 0 where nobody knows. */
  readonly ofBytes: number
}

/** What there is to read comes before the bar, where both do not fit. */
function lineOf(state: State, room: number): string {
  const { what, done, total, note, seconds } = state
  const tail = [speedOf(state), note].filter((each) => each !== '').map((each) => `  ${each}`)
  if (total === null || total === 0) return `${done} ${what}${tail.join('')}`
  const share = shareOf(state, total)
  const left = share <= 0 || share >= 1 ? 0 : (seconds * (1 - share)) / share
  if (left > 0) tail.splice(1, 0, `  ${shortTime(left)} left`)
  const text = ` ${Math.floor(share * 100)}%  ${done}/${total} ${what}${tail.join('')}`
  const chars = Math.max(BAR_CHARS_MIN, Math.min(BAR_CHARS, room - text.length))
  const full = Math.round(share * chars)
  return `${'█'.repeat(full)}${'░'.repeat(chars - full)}${text}`
}

/** By bytes where all of them are known: of one large file nothing is done until all is. */
function shareOf({ done, bytes, ofBytes }: State, total: number): number {
  const share = ofBytes > 0 ? bytes / ofBytes : done / total
  return Math.max(0, Math.min(1, share))
}

function speedOf({ done, seconds, bytes, ofBytes }: State): string {
  const rate = (count: number) => (seconds === 0 ? 0 : count / seconds)
  if (bytes <= 0) return `${rate(done) >= 10 ? Math.round(rate(done)) : rate(done).toFixed(1)}/s`
  const of = ofBytes > bytes ? ` of ${sizeOf(Math.round(ofBytes))}` : ''
  return `${sizeOf(Math.round(bytes))}${of}  ${sizeOf(Math.round(rate(bytes)))}/s`
}

/** A span of time as people say it: `45s`, `3m 20s`, `2h 5m`. */
export function shortTime(seconds: number): string {
  const whole = Math.round(seconds)
  if (whole < 60) return `${whole}s`
  if (whole < 3600) return `${Math.floor(whole / 60)}m ${whole % 60}s`
  return `${Math.floor(whole / 3600)}h ${Math.floor((whole % 3600) / 60)}m`
}
