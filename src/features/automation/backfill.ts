import { Problem } from '#base/problem'
import type { Fact } from '#ledger'

export type BackfillState = 'running' | 'succeeded' | 'failed' | 'cancelled'
export type DateState = 'waiting' | 'running' | 'succeeded' | 'failed' | 'cancelled'

/** A run of a project's pipeline for each date of a range. */
export interface Backfill {
  readonly id: string
  readonly project: string
  readonly targets: readonly string[]
  readonly fromMs: number
  /** The last date may be at this time, and none is after it. */
  readonly toMs: number
  readonly every: string
  /** How many of its runs may run at once. */
  readonly parallel: number
  /** With `{date}`, `{start}` and `{end}`. */
  readonly set: readonly string[]
  readonly force: boolean
  /** The commit that all of them run at. */
  readonly commit: string
  readonly state: BackfillState
  readonly createdMs: number
  readonly endedMs: number | null
}

/** One date of it. */
export interface BackfillDate {
  readonly backfill: string
  /** Counted from 0. */
  readonly number: number
  readonly startMs: number
  readonly endMs: number
  readonly state: DateState
  /** How often it was begun. */
  readonly tries: number
  /** The request of its last try. */
  readonly request: string | null
  readonly reason: string | null
}

const DATES_MAX = 10_000
/** The last moment that there is a date for. */
const LAST_MS = 8.64e15
const EVERY = /^([1-9]\d{0,5})(m|h|d|w|mo|y)$/
const UNIT_MS: Readonly<Record<string, number>> = {
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
}

/** The dates of a range with the time that each lasts until. Months and years keep the day, or take the last there is. Throws `invalid`. */
export function datesOf(range: { fromMs: number; toMs: number; every: string }): {
  startMs: number
  endMs: number
}[] {
  const { fromMs, toMs, every } = range
  const [, count = '', unit = ''] = EVERY.exec(every) ?? []
  if (count === '')
    throw new Problem(
      'invalid',
      `${JSON.stringify(every)} is no step; write 15m, 1h, 1d, 1w, 1mo or 1y`,
    )
  if (toMs < fromMs) throw new Problem('invalid', 'the last date is before the first')
  const at = (step: number) => stepped(fromMs, Number(count) * step, unit)
  const dates: { startMs: number; endMs: number }[] = []
  for (let step = 0; at(step) <= toMs; step++) {
    if (step === DATES_MAX)
      throw new Problem('limit', `that are more than ${DATES_MAX} dates; take a longer step`)
    if (!(Math.abs(at(step + 1)) <= LAST_MS))
      throw new Problem('invalid', `there is no date ${every} after the last of them`)
    dates.push({ startMs: at(step), endMs: at(step + 1) })
  }
  return dates
}

function stepped(fromMs: number, count: number, unit: string): number {
  const lengthMs = UNIT_MS[unit]
  if (lengthMs !== undefined) return fromMs + count * lengthMs
  const from = new Date(fromMs)
  const months = unit === 'y' ? count * 12 : count
  const year = from.getUTCFullYear()
  const month = from.getUTCMonth() + months
  const lastDay = new Date(Date.UTC(year, month + 1, 0)).getUTCDate()
  const day = Math.min(from.getUTCDate(), lastDay)
  return Date.UTC(year, month, day) + (fromMs % 86_400_000)
}

/** What the run of one date is given. */
export function orderFor({ set }: Pick<Backfill, 'set'>, { startMs, endMs }: BackfillDate) {
  const start = new Date(startMs).toISOString()
  const end = new Date(endMs).toISOString()
  const date = start.slice(0, 10)
  return {
    overrides: set.map((text) =>
      text.replaceAll('{date}', date).replaceAll('{start}', start).replaceAll('{end}', end),
    ),
    variables: { ORRERY_DATE: date, ORRERY_START: start, ORRERY_END: end },
  }
}

/** Whether what is set differs from date to date: if not, all dates would be one run, unless it is forced. */
export function differsByDate(set: readonly string[]): boolean {
  return set.some((text) => /\{(date|start|end)\}/.test(text))
}

export function requestFor({ backfill, number, tries }: BackfillDate): string {
  return `${backfill}.${number}.${tries}`
}

/** The date that a request is for; undefined for one that belongs to no backfill. */
export function dateOfRequest(
  request: string,
): { backfill: string; number: number; tries: number } | undefined {
  const [, backfill, number, tries] = /^(backfill-\w+)\.(\d+)\.(\d+)$/.exec(request) ?? []
  return backfill === undefined
    ? undefined
    : { backfill, number: Number(number), tries: Number(tries) }
}

export function backfillStarted(backfill: Backfill, dates: number): Fact {
  return {
    type: 'backfill-started',
    data: {
      backfill: backfill.id,
      project: backfill.project,
      targets: [...backfill.targets],
      from: new Date(backfill.fromMs).toISOString(),
      to: new Date(backfill.toMs).toISOString(),
      every: backfill.every,
      dates,
      commit: backfill.commit,
    },
  }
}

export function backfillFinished(
  { id, project, state }: Backfill,
  counts: Readonly<Record<DateState, number>>,
): Fact {
  const { succeeded, failed, cancelled } = counts
  return {
    type: 'backfill-finished',
    data: { backfill: id, project, outcome: state, succeeded, failed, cancelled },
  }
}
