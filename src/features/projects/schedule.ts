import { Cron } from 'croner'
import { messageOf } from '#base/problem'
import type { CronSchedule } from './policy-config.ts'

/** The first tick after a time; undefined where there is none any more. */
export function nextTick(schedule: CronSchedule, afterMs: number): number | undefined {
  return patternOf(schedule).nextRun(new Date(afterMs))?.getTime()
}

/** The ticks in (`afterMs`, `untilMs`], oldest first, the newest `max` of them; and how many there were, counted up to `countMax`. */
export function ticksBetween(
  schedule: CronSchedule,
  {
    afterMs,
    untilMs,
    max,
    countMax = 100_000,
  }: {
    afterMs: number
    untilMs: number
    max: number
    countMax?: number
  },
): { ticks: number[]; count: number } {
  const pattern = patternOf(schedule)
  const ticks: number[] = []
  let count = 0
  let at = pattern.nextRun(new Date(afterMs))?.getTime()
  while (at !== undefined && at <= untilMs && count < countMax) {
    count += 1
    ticks.push(at)
    if (ticks.length > max) ticks.shift()
    at = pattern.nextRun(new Date(at))?.getTime()
  }
  return { ticks, count }
}

/** What is wrong with a schedule, in a sentence; undefined when it is right and has a tick to come. */
export function scheduleFault(schedule: CronSchedule, fromMs = 0): string | undefined {
  const { cron, timezone } = schedule
  if (!isZone(timezone))
    return `there is no time zone ${timezone}; write an IANA name such as Europe/Berlin`
  try {
    return nextTick(schedule, fromMs) === undefined
      ? `${cron} names a day that never comes`
      : undefined
  } catch (error) {
    const words = messageOf(error).replace(/^CronPattern: /, '')
    return `${JSON.stringify(cron)} is no schedule: ${words}; write five fields (minute, hour, day, month, day of the week) or @hourly, @daily, @weekly, @monthly`
  }
}

function isZone(name: string): boolean {
  try {
    Intl.DateTimeFormat('en', { timeZone: name })
    return true
  } catch {
    return false
  }
}

/** Reading a pattern costs more than asking it, and it is asked every second. */
const read = new Map<string, Cron>()
const READ_MAX = 1000

function patternOf({ cron, timezone }: CronSchedule): Cron {
  const key = `${timezone} ${cron}`
  const known = read.get(key)
  if (known !== undefined) return known
  const pattern = new Cron(cron, { timezone, paused: true, mode: '5-part' })
  if (read.size >= READ_MAX) read.clear()
  read.set(key, pattern)
  return pattern
}
