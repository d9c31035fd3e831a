const COUNT = new Intl.NumberFormat('en')
const DAY = new Intl.DateTimeFormat('en-GB', {
  day: 'numeric',
  month: 'short',
  year: 'numeric',
  timeZone: 'UTC',
})
const MOMENT = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'medium' })

/** `281,775`. */
export function count(value: number): string {
  return COUNT.format(value)
}

/** `3 windows`, `1 window`. */
export function counted(value: number, noun: string): string {
  return `${count(value)} ${noun}${value === 1 ? '' : 's'}`
}

/** `46 %`. */
export function percent(share: number): string {
  return `${Math.round(share * 100)}\u00a0%`
}

/** `0.684`. */
export function score(value: number): string {
  return value.toFixed(3)
}

/** A rate with as many digits as it deserves: `0.4`, `12`, `1,830`. */
export function rate(value: number): string {
  return value < 9.95 ? String(Math.round(value * 10) / 10) : count(Math.round(value))
}

/** `0.8 ms`, `41 ms`, `1.2 s`, `3 min 20 s`. */
export function duration(ms: number): string {
  if (ms < 9.95) return `${Math.round(ms * 10) / 10} ms`
  if (ms < 999.5) return `${Math.round(ms)} ms`
  const seconds = ms / 1000
  if (seconds < 59.95) return `${Math.round(seconds * 10) / 10} s`
  const whole = Math.round(seconds)
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`
}

/** `8.9 MB`, as disks count. */
export function bytes(size: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  let value = size
  let unit = 0
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000
    unit += 1
  }
  return `${value < 10 && unit > 0 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`
}

/** The beginning of a digest: enough to tell two apart by eye. */
export function shortened(digest: string, length = 8): string {
  return digest.slice(0, length)
}

/** A day of event time, in UTC: `27 Dec 2013`. */
export function day(time: string | number): string {
  return DAY.format(new Date(time))
}

/** A moment of the clock, in the reader's zone. */
export function moment(time: string): string {
  return MOMENT.format(new Date(time))
}

/** The same moment for those who write across zones: `2026-11-21 09:12:28 UTC`. */
export function inUtc(time: string | number): string {
  return `${new Date(time).toISOString().slice(0, 19).replace('T', ' ')} UTC`
}

/** `just now`, `40 s ago`, `3 min ago`, `5 h ago`, `12 d ago`. */
export function ago(time: string, nowMs: number): string {
  const seconds = Math.max(0, (nowMs - Date.parse(time)) / 1000)
  if (seconds < 5) return 'just now'
  if (seconds < 60) return `${Math.floor(seconds / 5) * 5} s ago`
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ago`
  return `${count(Math.floor(seconds / 86_400))} d ago`
}

/** The name of a fact as words: `model-alias-moved` is `model alias moved`. */
export function spoken(name: string): string {
  return name.replaceAll('-', ' ').replaceAll('_', ' ')
}

/** A word of a command as a shell takes it. */
export function shellWord(word: string): string {
  return /^[\w./@=:+~^-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`
}
