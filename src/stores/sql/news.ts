/** What somebody may wait for. */
export type Part = 'ledger' | 'work'

/** Remembers what open transactions bring and tells it once they are kept; too much may be told, never too little. */
export interface News {
  add(part: Part): void
  /** What the next `tell` will tell. */
  untold(): readonly Part[]
  tell(): void
  /** Tells what another process has brought. */
  relay(part: Part): void
  listen(part: Part, listener: () => void): () => void
}

export const PARTS: readonly Part[] = ['ledger', 'work']

export function createNews(): News {
  const fresh = new Set<Part>()
  const listeners = { ledger: new Set<() => void>(), work: new Set<() => void>() }
  const relay = (part: Part) => {
    for (const listener of listeners[part]) listener()
  }
  return {
    add: (part) => void fresh.add(part),
    untold: () => [...fresh],
    tell: () => {
      const parts = [...fresh]
      fresh.clear()
      for (const part of parts) relay(part)
    },
    relay,
    listen: (part, listener) => {
      listeners[part].add(listener)
      return () => void listeners[part].delete(listener)
    },
  }
}
