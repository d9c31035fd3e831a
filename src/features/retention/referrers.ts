import type { RetentionReads } from './store.ts'

/** Says which of some objects it refers to, and by how many rows; nothing that anybody refers to is ever freed. */
export interface Referrer {
  references(digests: readonly string[]): Promise<Map<string, number>>
}

/**
 * All that refers to objects, as one: the metadata store and whatever keeps digests in a file of its own.
 * Whoever comes to keep digests is named here once, where the parts are put together.
 */
export function allReferrers(
  read: Pick<RetentionReads, 'references'>,
  others: readonly Referrer[],
): Referrer {
  return {
    references: async (digests) => {
      const found = await read.references(digests)
      for (const other of others)
        for (const [digest, rows] of await other.references(digests))
          found.set(digest, (found.get(digest) ?? 0) + rows)
      return found
    },
  }
}
