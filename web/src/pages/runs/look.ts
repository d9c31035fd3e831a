/** What a reader has chosen to see of runs; it lives in the address, so that it can be sent to somebody. */
export interface Look {
  readonly folder?: string | undefined
  readonly experiment?: string | undefined
  readonly filter?: string | undefined
  /** Such as `metrics.auc DESC`. */
  readonly order?: string | undefined
  readonly columns?: readonly string[] | undefined
  readonly flat?: true | undefined
  readonly tab?: 'compare' | 'charts' | undefined
  readonly selected?: readonly string[] | undefined
  /** The saved view that this began with. */
  readonly view?: string | undefined
}

/** More lines than this nobody tells apart, and more columns nobody reads side by side. */
export const SELECTED_MAX = 20

/** Reads a look from the parameters of an address; what is not one of ours is left out. */
export function lookIn(search: Readonly<Record<string, unknown>>): Look {
  const text = (name: string) => {
    const value = search[name]
    const isText = typeof value === 'string' || typeof value === 'number'
    return isText && value !== '' ? { [name]: String(value) } : {}
  }
  const list = (name: string) => {
    const value = search[name]
    return Array.isArray(value) && value.length > 0 ? { [name]: value.map(String) } : {}
  }
  const { tab } = search
  return {
    ...text('folder'),
    ...text('experiment'),
    ...text('filter'),
    ...text('order'),
    ...text('view'),
    ...list('columns'),
    ...list('selected'),
    ...(search['flat'] === true ? { flat: true } : {}),
    ...(tab === 'compare' || tab === 'charts' ? { tab } : {}),
  }
}

/** The order after a click on the head of a column: down, then up, then as it was. */
export function orderAfter(order: string | undefined, column: string): string | undefined {
  const name = quoted(column)
  if (order === `${name} DESC`) return `${name} ASC`
  return order === `${name} ASC` ? undefined : `${name} DESC`
}

/** `metrics.a b` as a filter spells it. */
export function quoted(column: string): string {
  const dot = column.indexOf('.')
  const key = column.slice(dot + 1)
  return /^[\p{L}_][\p{L}\p{N}_.]*$/u.test(key) ? column : `${column.slice(0, dot)}.\`${key}\``
}

/** The filter with a clause more, or less when it is there already. */
export function toggledClause(filter: string | undefined, clause: string): string | undefined {
  const clauses = (filter ?? '').split(/ AND /).filter((each) => each.trim() !== '')
  const rest = clauses.filter((each) => each !== clause)
  return (rest.length < clauses.length ? rest : [...clauses, clause]).join(' AND ') || undefined
}

/** A clause that holds for one value of a column, or undefined where a filter cannot say it. */
export function clauseFor(column: string, value: string | number): string | undefined {
  const text = String(value)
  const quote = text.includes("'") ? '"' : "'"
  return text.includes("'") && text.includes('"')
    ? undefined
    : `${quoted(column)} = ${quote}${text}${quote}`
}
