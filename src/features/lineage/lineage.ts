import type { Edge, Entry, LedgerReads, Ref } from '#ledger'

/** A thing on the way back, with the ledger entry that first tells of it. */
export interface Station {
  readonly ref: Ref
  /** Steps from where the walk began. */
  readonly depth: number
}

export interface Walk {
  readonly stations: readonly Station[]
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

export function createLineage({ read }: { read: LedgerReads }): Lineage {
  const walk = async (
    from: Ref,
    edgesAt: (ref: Ref) => Promise<(Edge & { position: number })[]>,
    next: (edge: Edge) => Ref,
  ): Promise<Walk> => {
    const stations: Station[] = [{ ref: from, depth: 0 }]
    const seen = new Set([keyOf(from)])
    const edges: (Edge & { position: number })[] = []
    for (let at = 0; at < stations.length && stations.length < STATIONS_MAX; at++) {
      const station = stations[at] as Station
      for (const edge of await edgesAt(station.ref)) {
        edges.push(edge)
        const ref = next(edge)
        if (seen.has(keyOf(ref))) continue
        seen.add(keyOf(ref))
        stations.push({ ref, depth: station.depth + 1 })
      }
    }
    return { stations, edges, entries: await entriesOf(edges) }
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
