/** What somebody may wait for. */
type Part = 'ledger' | 'work'

/** Remembers what open transactions bring and tells it once they are kept; too much may be told, never too little. */
export interface News {
  add(part: Part): void
  tell(): void
  listen(part: Part, listener: () => void): () => void
}

export function createNews(): News {
  const fresh = new Set<Part>()
  const listeners = { ledger: new Set<() => void>(), work: new Set<() => void>() }
  return {
    add: (part) => void fresh.add(part),
    tell: () => {
      const parts = [...fresh]
      fresh.clear()
      for (const part of parts) for (const listener of listeners[part]) listener()
    },
    listen: (part, listener) => {
      listeners[part].add(listener)
      return () => void listeners[part].delete(listener)
    },
  }
}
