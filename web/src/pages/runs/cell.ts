import { moment } from '#web/ui/format.ts'

const NUMBER = new Intl.NumberFormat('en', { maximumSignificantDigits: 6, useGrouping: false })

/** A value as the table shows it. */
export function cellText(column: string, value: string | number | null): string {
  if (value === null || value === '') return '–'
  if (isTime(column)) return moment(new Date(Number(value)).toISOString())
  return typeof value === 'number' ? NUMBER.format(value) : value
}

/** The name of a column without what all columns of its kind begin with. */
export function columnName(column: string): string {
  const dot = column.indexOf('.')
  const key = column.slice(dot + 1)
  return column.startsWith('attributes.') ? key.replaceAll('_', ' ').replace(/^run /, '') : key
}

export function isTime(column: string): boolean {
  return column === 'attributes.start_time' || column === 'attributes.end_time'
}

export function isNumeric(column: string): boolean {
  return column.startsWith('metrics.')
}
