/** What a reader has chosen to see of a run; it lives in the address. */
export interface RunView {
  readonly tab?: 'lineage' | 'activity' | 'raw' | undefined
  /** The file that is looked into. */
  readonly file?: string | undefined
  /** The logged model whose file it is; the run's own otherwise. */
  readonly of?: string | undefined
  /** The metric that is drawn large. */
  readonly metric?: string | undefined
}

export function runViewIn(search: Readonly<Record<string, unknown>>): RunView {
  const text = (name: string) => {
    const value = search[name]
    const isText = typeof value === 'string' || typeof value === 'number'
    return isText && value !== '' ? { [name]: String(value) } : {}
  }
  const { tab } = search
  return {
    ...text('file'),
    ...text('of'),
    ...text('metric'),
    ...(tab === 'lineage' || tab === 'activity' || tab === 'raw' ? { tab } : {}),
  }
}
