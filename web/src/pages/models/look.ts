/** What a reader has chosen to see of a model; it lives in the address. */
export interface ModelLook {
  /** A day such as 2026-05-01. */
  readonly asOf?: string | undefined
  readonly tab?: 'history' | undefined
}

export function modelLookIn(search: Readonly<Record<string, unknown>>): ModelLook {
  const { asOf, tab } = search
  return {
    ...(typeof asOf === 'string' && /^\d{4}-\d\d-\d\d$/.test(asOf) ? { asOf } : {}),
    ...(tab === 'history' ? { tab } : {}),
  }
}
