/** Rows or identifiers of one statement: a database takes only so many parameters, SQLite 32766. */
export const CHUNK = 1000

/** The items in pieces that a statement can take. */
export function chunksOf<T>(items: readonly T[], size = CHUNK): T[][] {
  const chunks: T[][] = []
  for (let start = 0; start < items.length; start += size)
    chunks.push(items.slice(start, start + size))
  return chunks
}
