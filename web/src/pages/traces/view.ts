/** What a reader sees of the traces; it lives in the address. */
export interface TracesView {
  readonly filter?: string | undefined
  readonly experiment?: string | undefined
  readonly after?: string | undefined
}

export interface TraceView {
  readonly span?: string | undefined
}

export function tracesViewIn(search: Readonly<Record<string, unknown>>): TracesView {
  return { ...text(search, 'filter'), ...text(search, 'experiment'), ...text(search, 'after') }
}

export function traceViewIn(search: Readonly<Record<string, unknown>>): TraceView {
  return text(search, 'span')
}

/** The router reads a number where the address has digits. */
function text(search: Readonly<Record<string, unknown>>, name: string): Record<string, string> {
  const value = search[name]
  if (typeof value === 'number') return { [name]: String(value) }
  return typeof value === 'string' && value !== '' ? { [name]: value } : {}
}
