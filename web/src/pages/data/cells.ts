import type { ColumnWire } from '#protocols/api/data-wire'
import { count } from '#web/ui/format.ts'

const SHORT = new Intl.NumberFormat('en', { maximumSignificantDigits: 6 })

/** A value of a column: numbers with the digits that tell them apart, times without their needless end. */
export function said(value: number | string | null): string {
  if (value === null) return '–'
  if (typeof value === 'number') return SHORT.format(value)
  return value.replace(/(?:T| )00:00:00(?:\.0+)?Z?$/, '').replace(/\.000Z$/, 'Z')
}

/** A share of rows; what is there and less than one in a thousand is not nothing. */
export function shareSaid(part: number, of: number): string {
  const share = of === 0 ? 0 : part / of
  if (share > 0 && share < 0.001) return '<0.1\u00a0%'
  return `${Math.round(share * 1000) / 10}\u00a0%`
}

export function nullsSaid({ nulls }: ColumnWire, rows: number): string {
  return nulls === 0 ? 'none' : `${count(nulls)} (${shareSaid(nulls, rows)})`
}

export function distinctSaid({ distinct }: ColumnWire): string {
  if (distinct === null) return '–'
  if (distinct.isExact) return count(distinct.count)
  const off = Math.round((distinct.within ?? 0) * 100)
  return `~${count(distinct.count)}${off === 0 ? '' : ` ±${off}\u00a0%`}`
}

export function rangeSaid({ min, max }: ColumnWire): string {
  if (min === null && max === null) return '–'
  return min === max ? said(min) : `${said(min)} … ${said(max)}`
}
