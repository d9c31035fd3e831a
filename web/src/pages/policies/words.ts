import type { TriggerShown } from '#protocols/api/policy-wire'
import type { State } from '#web/ui/state.tsx'

/** What sets a policy off, in words that go on after "waits for". */
export function awaited(trigger: TriggerShown): string {
  switch (trigger.kind) {
    case 'drift':
      return `drift at ${trigger.endpoint}`
    case 'performance':
      return `falling performance of ${trigger.endpoint}`
    case 'alert':
      return `whatever alerts at ${trigger.endpoint} are raised for${trigger.kinds.length === 0 ? '' : `: ${trigger.kinds.join(', ')}`}${trigger.subjects.length === 0 ? '' : ` of ${trigger.subjects.join(', ')}`}${trigger.severity === 'critical' ? ', when critical' : ''}`
    case 'schedule':
      return `${cronWords(trigger.cron)} (${trigger.timezone}); ${CATCH_UP[trigger.catchUp]}`
    case 'data':
      return `a new version of ${trigger.path}`
    case 'delta':
      return `a new version of the table ${trigger.table}`
    case 'push':
      return `a push to ${trigger.branch}`
    case 'webhook':
      return `a call of the hook ${trigger.hook}`
    case 'event':
      return `${trigger.type} in the ledger${Object.entries(trigger.where)
        .map(([name, value], at) => `${at === 0 ? ' with' : ' and'} ${name} ${String(value)}`)
        .join('')}`
    case 'manual':
  }
  return 'a person who sets it off'
}

const CATCH_UP = {
  none: 'missed ticks are let go',
  last: 'missed ticks are caught up with once',
  all: 'each missed tick is caught up with',
} as const

const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday']
const ALIASES: Readonly<Record<string, string>> = {
  '@hourly': '0 * * * *',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@weekly': '0 0 * * 0',
  '@monthly': '0 0 1 * *',
}

/** The commonest schedules in words; any other as it is written. */
export function cronWords(cron: string): string {
  const [minute = '', hour = '', date = '', month = '', weekday = ''] = (
    ALIASES[cron] ?? cron
  ).split(' ')
  const plain = `the schedule ${cron}`
  const step = /^\*\/(\d+)$/.exec(minute)?.[1]
  const isDaily = date === '*' && month === '*' && weekday === '*'
  if (step !== undefined) return hour === '*' && isDaily ? `every ${step} minutes` : plain
  if (!/^\d+$/.test(minute) || month !== '*') return plain
  if (hour === '*') return isDaily ? `minute ${minute} of every hour` : plain
  if (!/^\d+$/.test(hour)) return plain
  const time = `${hour.padStart(2, '0')}:${minute.padStart(2, '0')}`
  if (isDaily) return `${time} every day`
  if (date !== '*')
    return weekday === '*' && /^\d+$/.test(date) ? `${time} on day ${date} of every month` : plain
  const days = weekdayWords(weekday)
  return days === undefined ? plain : `${time} ${days}`
}

function dayName(number: string): string | undefined {
  return DAYS[Number(number) % 7]
}

function weekdayWords(weekday: string): string | undefined {
  const [, first = '', last] = /^([0-7])(?:-([0-7]))?$/.exec(weekday) ?? []
  if (first === '') return undefined
  return last === undefined ? `every ${dayName(first)}` : `${dayName(first)} to ${dayName(last)}`
}

/** How a decision is called, by the type of its entry. */
export const DECISION: Readonly<Record<string, readonly [State, string]>> = {
  'policy-fired': ['good', 'Ran'],
  'policy-queued': ['none', 'Queued'],
  'policy-skipped': ['none', 'Passed over'],
  'schedule-missed': ['warning', 'Missed'],
  'policy-outcome': ['none', 'Became'],
  'policy-gave-up': ['warning', 'Gave up'],
}

/** How a run, a backfill or one of its dates stands. */
export const STANDS: Readonly<Record<string, readonly [State, string]>> = {
  waiting: ['none', 'Waiting'],
  queued: ['none', 'Waiting'],
  running: ['busy', 'Running'],
  succeeded: ['good', 'Succeeded'],
  failed: ['bad', 'Failed'],
  cancelled: ['warning', 'Cancelled'],
}

/** What a dry run came to. */
export const ACTS: Readonly<Record<string, readonly [State, string]>> = {
  run: ['good', 'Would run'],
  queue: ['busy', 'Would wait'],
  skip: ['none', 'Would pass over'],
  nothing: ['none', 'Would do nothing'],
}

/** A moment as clocks in some zone show it. */
export function momentIn(time: string, timezone: string): string {
  return new Intl.DateTimeFormat('en-GB', {
    weekday: 'short',
    day: 'numeric',
    month: 'short',
    hour: '2-digit',
    minute: '2-digit',
    timeZone: timezone,
  }).format(new Date(time))
}

/** The zone that the reader's own clock is in. */
export function ownZone(): string {
  return new Intl.DateTimeFormat('en').resolvedOptions().timeZone
}

/** `in 40 s`, `in 3 min`, `in 5 h`, `in 12 d`; what is due now is due. */
export function until(time: string, nowMs: number): string {
  const seconds = Math.ceil((Date.parse(time) - nowMs) / 1000)
  if (seconds <= 0) return 'now'
  if (seconds < 90) return `in ${seconds} s`
  if (seconds < 5400) return `in ${Math.round(seconds / 60)} min`
  if (seconds < 172_800) return `in ${Math.round(seconds / 3600)} h`
  return `in ${Math.round(seconds / 86_400)} d`
}
