/** Finds the bin of a value in nearly always one step: by the cell that it lies in, of many equally wide ones. */
export interface Places {
  /** The edges in ascending order, and what no value is beyond. */
  readonly edges: Float64Array
  /** By cell the number of edges below all of it: the bin of its least value. */
  readonly firsts: Uint16Array
  readonly from: number
  /** Cells to a unit of the values. */
  readonly scale: number
}

/** Enough that few cells have an edge within, and few enough to lie close to the processor. */
const CELLS = 4096

/**
 * The bin of a value is the number of edges below it. Its cell is `(value - from) * scale`, which never falls as values
 * rise, so that an edge of a lower cell lies below the value whatever was rounded; the others are looked at.
 */
export function placesOf(edges: readonly number[]): Places {
  const from = edges[0] ?? 0
  const width = (edges.at(-1) ?? 0) - from
  const scale = width > 0 ? (CELLS - 1) / width : 0
  const firsts = new Uint16Array(CELLS)
  let below = 0
  for (let cell = 0; cell < CELLS; cell++) {
    while (below < edges.length && cellOf((edges[below] as number) - from, scale) < cell) below++
    firsts[cell] = below
  }
  return { edges: Float64Array.of(...edges, Infinity), firsts, from, scale }
}

/** The first cell and the last are open. What is no number lies in the first. */
export function cellOf(difference: number, scale: number): number {
  const place = difference * scale
  return place > 0 ? (place < CELLS - 1 ? place | 0 : CELLS - 1) : 0
}
