import type { Edge, Entry, LedgerReads, Ref } from '#ledger'

/** A thing on the way. */
export interface Station {
  readonly ref: Ref
  /** Steps from where the walk began. */
  readonly depth: number
  /** The step that first led here; null where the walk began. */
  readonly via: { readonly from: Ref; readonly relation: string; readonly position: number } | null
}

export interface Walk {
  readonly stations: readonly Station[]
  /** Whether there was more than the walk may take in. */
  readonly cut: boolean
  /** Between the stations, as they were written. */
  readonly edges: readonly (Edge & { readonly position: number })[]
  /** The entries that the edges were written in, by position: the evidence. */
  readonly entries: readonly Entry[]
}

export interface Lineage {
  /** Everything that `from` came about by, nearest first: causes of causes, until there are none or a limit is met. */
  walkBack(from: Ref): Promise<Walk>
  /** Everything that came about by way of `from`. */
  walkForward(from: Ref): Promise<Walk>
}

/** Enough for any one model's story; a runaway graph must not take the server with it. */
export const STATIONS_MAX = 500
/** Things that are told of again and again have more edges than neighbours. */
const EDGES_MAX = 4 * STATIONS_MAX

export function createLineage({ read }: { read: LedgerReads }): Lineage {
  const walk = async (
    from: Ref,
    edgesAt: (ref: Ref) => Promise<(Edge & { position: number })[]>,
    next: (edge: Edge) => Ref,
  ): Promise<Walk> => {
    const stations: Station[] = [{ ref: from, depth: 0, via: null }]
    const seen = new Set([keyOf(from)])
    const edges: (Edge & { position: number })[] = []
    let cut = false
    // Each station is asked once, so that a circle ends; all of them, so that no edge between two is missing.
    for (const { ref: here, depth } of stations)
      for (const edge of await edgesAt(here)) {
        const ref = next(edge)
        const isNew = !seen.has(keyOf(ref))
        if (edges.length >= EDGES_MAX || (isNew && stations.length >= STATIONS_MAX)) {
          cut = true
          continue
        }
        edges.push(edge)
        if (!isNew) continue
        seen.add(keyOf(ref))
        const { relation, position } = edge
        stations.push({ ref, depth: depth + 1, via: { from: here, relation, position } })
      }
    return { stations, cut, edges, entries: await entriesOf(edges) }
  }

  const entriesOf = async (edges: readonly { position: number }[]): Promise<Entry[]> => {
    const positions = [...new Set(edges.map((edge) => edge.position))].toSorted((a, b) => a - b)
    const entries = await Promise.all(positions.map((position) => read.find(position)))
    return entries.filter((entry) => entry !== undefined)
  }

  return {
    walkBack: (from) =>
      walk(
        from,
        (ref) => read.edgesFrom(ref),
        (edge) => edge.to,
      ),
    walkForward: (from) =>
      walk(
        from,
        (ref) => read.edgesTo(ref),
        (edge) => edge.from,
      ),
  }
}

function keyOf(ref: Ref): string {
  return `${ref.kind}:${ref.id}`
}
