import { ascending } from './ascending.ts'
import { keyOf, wordsOf } from './bits.ts'

/** Fewer values are sorted as fast. */
const FEW = 20_000

/** A cell has the numbers that share their sign, their exponent and the first eight bits behind it. */
const CELL_BITS = 20
const SHIFT = 32 - CELL_BITS

/** Where in the order what a quantile is made of lies. */
interface Place {
  readonly below: number
  readonly above: number
  /** How far it is from the one to the other. */
  readonly part: number
}

/**
 * Quantiles of finite numbers in any order, by type 7 of Hyndman and Fan: between the two nearest values. The numbers
 * are counted by cell, and only those of the cells that hold a quantile are put in order.
 */
export function quantilesOf(values: Float64Array, levels: readonly number[]): number[] {
  const places = levels.map((level) => placeOf(level, values.length))
  const ranks = [...new Set(places.flatMap(({ below, above }) => [below, above]))].toSorted(
    (one, other) => one - other,
  )
  const found = new Map(
    values.length < FEW ? ranksIn(values.toSorted(), ranks) : ranksOf(values, ranks),
  )
  return places.map(({ below, above, part }) => {
    const [least, most] = [found.get(below) as number, found.get(above) as number]
    return least + (most - least) * part
  })
}

function placeOf(level: number, length: number): Place {
  const place = level * (length - 1)
  return { below: Math.floor(place), above: Math.ceil(place), part: place - Math.floor(place) }
}

function ranksIn(sorted: Float64Array, ranks: readonly number[]): [number, number][] {
  return ranks.map((rank) => [rank, sorted[rank] as number])
}

/** The values at some places of the order, which are given in ascending order. */
function ranksOf(values: Float64Array, ranks: readonly number[]): [number, number][] {
  const counts = countedCells(values)
  const wanted = cellsWith(counts, ranks)
  return gathered(values, wanted).flatMap((own, index) => {
    const { before, ranks: inside } = wanted[index] as WantedCell
    return ranksIn(
      ascending(own),
      inside.map((rank) => rank - before),
    ).map(([rank, value]): [number, number] => [rank + before, value])
  })
}

function countedCells(values: Float64Array): Uint32Array {
  const counts = new Uint32Array(1 << CELL_BITS)
  const words = wordsOf(values)
  for (let at = 1; at < words.length; at += 2) {
    const cell = keyOf(words[at] as number) >>> SHIFT
    counts[cell] = (counts[cell] as number) + 1
  }
  return counts
}

interface WantedCell {
  readonly cell: number
  readonly size: number
  /** How many values are in the cells before it. */
  readonly before: number
  readonly ranks: readonly number[]
}

function cellsWith(counts: Uint32Array, ranks: readonly number[]): WantedCell[] {
  const wanted: WantedCell[] = []
  let before = 0
  let next = 0
  for (let cell = 0; next < ranks.length; cell++) {
    const size = counts[cell] as number
    const from = next
    while (next < ranks.length && (ranks[next] as number) < before + size) next++
    if (next > from) wanted.push({ cell, size, before, ranks: ranks.slice(from, next) })
    before += size
  }
  return wanted
}

/** The values of each of the cells. */
function gathered(values: Float64Array, wanted: readonly WantedCell[]): Float64Array[] {
  const owns = wanted.map(({ size }) => new Float64Array(size))
  const filled = new Uint32Array(wanted.length)
  // One more than the place of a cell among those wanted.
  const places = new Uint16Array(1 << CELL_BITS)
  for (const [index, { cell }] of wanted.entries()) places[cell] = index + 1
  const words = wordsOf(values)
  for (let at = 0; at < values.length; at++) {
    const place = places[keyOf(words[2 * at + 1] as number) >>> SHIFT] as number
    if (place === 0) continue
    const count = filled[place - 1] as number
    ;(owns[place - 1] as Float64Array)[count] = values[at] as number
    filled[place - 1] = count + 1
  }
  return owns
}
