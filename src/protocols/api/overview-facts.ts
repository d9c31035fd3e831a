import type { Json } from '#base/json'
import type { Edge, Entry, LedgerReads, RefKind } from '#ledger'

/** The newest entries of one type; one type at a time, because that is how the ledger is indexed. */
export type Newest = (type: string, limit: number) => Promise<Entry[]>

export function newestOf(read: LedgerReads): Newest {
  return (type, limit) => read.newest({ types: [type], limit })
}

/** Facts are for ever and their shapes grow: what an old entry lacks, or tells otherwise, is null here. */
export function textIn(entry: Entry, key: string): string | null {
  const value = entry.data[key]
  if (typeof value === 'string') return value
  return typeof value === 'number' ? String(value) : null
}

export function numberIn(entry: Entry, key: string): number | null {
  return numberOf(entry.data[key])
}

export function integerIn(entry: Entry, key: string): number | null {
  const value = numberOf(entry.data[key])
  return Number.isSafeInteger(value) ? value : null
}

export function recordIn(entry: Entry, key: string): Readonly<Record<string, Json>> {
  return recordOf(entry.data[key])
}

export function listIn(entry: Entry, key: string): readonly Json[] {
  const value = entry.data[key]
  return Array.isArray(value) ? (value as readonly Json[]) : []
}

export function textsIn(entry: Entry, key: string): string[] {
  return listIn(entry, key).filter((each) => typeof each === 'string')
}

export function numbersIn(entry: Entry, key: string): Record<string, number> {
  const numbers = Object.entries(recordIn(entry, key)).filter(
    (pair): pair is [string, number] => typeof pair[1] === 'number',
  )
  return Object.fromEntries(numbers)
}

export function numberOf(value: Json | undefined): number | null {
  return typeof value === 'number' ? value : null
}

export function recordOf(value: Json | undefined): Readonly<Record<string, Json>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, Json>>)
    : {}
}

/** The id of the first thing of a kind that the entry's edges lead to. */
export function causeIn(entry: Entry, kind: RefKind): string | null {
  const edge: Edge | undefined = entry.edges.find((each) => each.to.kind === kind)
  return edge?.to.id ?? null
}

export function isoOf(ms: number): string {
  return new Date(ms).toISOString()
}

export function writtenAt(entry: Entry): string {
  return isoOf(entry.atMs)
}

export function eventOf(entry: Entry): string | null {
  return entry.eventMs === undefined ? null : isoOf(entry.eventMs)
}

/** The first of each key, which is the newest when the entries come newest first. */
export function firstBy(
  entries: readonly Entry[],
  keyOf: (entry: Entry) => string,
): Map<string, Entry> {
  const first = new Map<string, Entry>()
  for (const entry of entries) {
    const key = keyOf(entry)
    if (!first.has(key)) first.set(key, entry)
  }
  return first
}
