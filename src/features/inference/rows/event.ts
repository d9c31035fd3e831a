import { printExactJson } from '#base/exact-json'
import { Problem } from '#base/problem'
import type { MonitorConfig } from '#projects'
import type { Rows } from './feeds.ts'
import type { Value } from '../tensor.ts'

/** A prediction further ahead of the clock than this is a mistake; it would close every window before it. */
const AHEAD_MS_MAX = 2 * 86_400_000

const ISO =
  /^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:?\d{2})?)?$/

/** When a row happened and which entity it is about. */
export interface RowEvent {
  readonly eventMs: number
  readonly key: string | null
}

/** The events of rows as the endpoint's monitor finds them there; undefined where all happen now, to nobody in particular. */
export function eventsOf(
  sent: Rows,
  monitor: MonitorConfig | null,
  nowMs: number,
): RowEvent[] | undefined {
  const { columns } = sent
  const by = monitor?.window.by
  const timeAt = by === undefined ? -1 : columns.indexOf(by)
  const keyAt = monitor?.key === undefined ? -1 : columns.indexOf(monitor.key)
  if (by !== undefined && timeAt < 0)
    throw new Problem(
      'invalid',
      `this endpoint counts its windows by the column ${by}, which was not sent; send it along with the model's own columns`,
    )
  if (by === undefined && keyAt < 0) return undefined
  return sent.rows.map((row, index) => ({
    eventMs: by === undefined ? nowMs : eventTime(row[timeAt], { column: by, row: index, nowMs }),
    key: keyAt < 0 ? null : keyOf(row[keyAt] ?? null),
  }))
}

function eventTime(
  value: Value | undefined,
  at: { column: string; row: number; nowMs: number },
): number {
  const eventMs = instantMs(value)
  if (eventMs === undefined)
    throw new Problem(
      'invalid',
      `column ${at.column} in row ${at.row} is ${printExactJson(value)}; it has to be a time: RFC 3339 (UTC if it names no zone) or milliseconds since 1970`,
    )
  if (eventMs > at.nowMs + AHEAD_MS_MAX)
    throw new Problem(
      'invalid',
      `column ${at.column} in row ${at.row} is ${new Date(eventMs).toISOString()}, which lies in the future`,
    )
  return eventMs
}

/** A point in time as callers write it; undefined if it is none. */
export function instantMs(value: unknown): number | undefined {
  if (typeof value === 'bigint') return instantMs(Number(value))
  if (typeof value === 'number')
    return Number.isFinite(value) && Math.abs(value) <= 8.64e15 ? Math.trunc(value) : undefined
  if (typeof value !== 'string' || !ISO.test(value)) return undefined
  const zoned = /(?:Z|[+-]\d{2}:?\d{2})$/.test(value) && value.length > 10
  const text = value.replace(' ', 'T')
  const ms = Date.parse(zoned || value.length === 10 ? text : `${text}Z`)
  // Date.parse takes the 31st of February for the third of March.
  const day = Number(value.slice(8, 10))
  return Number.isNaN(ms) || (day > 28 && day > daysIn(value)) ? undefined : ms
}

/** Days of the month that a date names. */
function daysIn(date: string): number {
  return new Date(Date.UTC(Number(date.slice(0, 4)), Number(date.slice(5, 7)), 0)).getUTCDate()
}

/** The text that names an entity; 7 and "7" are the same one. */
export function keyOf(value: Value): string | null {
  return value === null || typeof value === 'object' ? null : String(value)
}
