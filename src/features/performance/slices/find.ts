import { benjaminiHochberg } from '#statistics'
import { chanceOfMore } from './chance.ts'
import {
  coded,
  sentenceOf,
  type Cell,
  type Coded,
  type Condition,
  type Literal,
} from './columns.ts'
import { cubeOf } from './cube.ts'
import { lossesOf, type Cells, type Losses } from './losses.ts'

/** Rows for which answers are worse than for the others. */
export interface Slice {
  readonly conditions: readonly Condition[]
  /** `origin = JFK and dep_delay > 12` */
  readonly name: string
  readonly rows: number
  /** Of all rows, 0 to 1. */
  readonly share: number
  /** Mean loss here, and of the rows outside. */
  readonly loss: number
  readonly elsewhere: number
  /** How far their ranks are apart, in standard deviations; of wrong answers: the difference of the shares in these. */
  readonly effect: number
  /** Chance of a slice so bad when losses fall where they will, adjusted for all slices that were looked at. */
  readonly p: number
  /** Share of all loss beyond the rest's mean that lies here: what mending this slice would bring at most. */
  readonly excess: number
}

export interface Search {
  /** Conditions of a slice at most: 1, 2 or 3. */
  readonly depth: 1 | 2 | 3
  /** A slice has at least this share of the rows. */
  readonly support: number
  /** Of what is told, the share that may be chance. */
  readonly falseDiscoveries: number
  /** Smaller effects are not worth telling. */
  readonly effect: number
  readonly limit: number
}

export interface Found {
  /** The worst first; those that an earlier one explains are left out. */
  readonly slices: readonly Slice[]
  /** How many slices were looked at. */
  readonly tested: number
  readonly rows: number
}

export const SEARCH: Search = {
  depth: 2,
  support: 0.02,
  falseDiscoveries: 0.05,
  effect: 0.15,
  limit: 5,
}

/** Fewer rows than this are no slice, whatever share they are. */
const ROWS_MIN = 30

/** More columns are not combined with one another, those with the strongest slices of their own are. */
const COMBINED_MAX = 40

/** Slices of two conditions that a third one is tried with. */
const BEAM = 30

/**
 * Looks through all slices of one and two conditions (and, by the best of those, of three) for such as have a
 * higher loss than the rest. Whatever the loss is: 1 for a wrong answer, a squared or an absolute error.
 */
export function findSlices(
  columns: Readonly<Record<string, readonly Cell[]>>,
  loss: ArrayLike<number>,
  search: Search = SEARCH,
): Found {
  const rows = loss.length
  const all: Coded[] = Object.entries(columns).flatMap(([name, cells]) => coded(name, cells) ?? [])
  const least = Math.max(ROWS_MIN, search.support * rows)
  if (rows < 2 * least) return { slices: [], tested: 0, rows }
  const losses = lossesOf(loss)
  const fits = ({ cells }: Candidate) => cells.rows >= least && rows - cells.rows >= least
  const ones = all.flatMap((column) => single(column, losses)).filter(fits)
  const twos = search.depth < 2 ? [] : pairs(combinable(all, ones, losses), losses).filter(fits)
  const threes =
    search.depth < 3 ? [] : triples(best(twos, losses).slice(0, BEAM), all, losses).filter(fits)
  const tested = [...ones, ...twos, ...threes]
  const ps = benjaminiHochberg(tested.map(({ cells }) => chanceOfMore(losses, cells)))
  const notable = tested.filter(
    ({ cells }, index) =>
      (ps[index] as number) <= search.falseDiscoveries && effectOf(losses, cells) >= search.effect,
  )
  const adjusted = new Map(tested.map((each, index) => [each, ps[index] as number]))
  const chosen = apart(best(notable, losses), { losses, least, limit: search.limit })
  return {
    slices: chosen.map((each) => sliceOf(each, losses, adjusted.get(each) as number)),
    tested: tested.length,
    rows,
  }
}

interface Candidate {
  readonly parts: readonly Part[]
  readonly cells: Cells
}

/** A condition, and the column whose bins say where it holds. */
interface Part {
  readonly column: Coded
  readonly literal: Literal
}

function single(column: Coded, losses: Losses): Candidate[] {
  const cube = cubeOf([column], losses)
  return partsOf(column).map((part) => ({ parts: [part], cells: cube.within([part.literal]) }))
}

function pairs(columns: readonly Coded[], losses: Losses): Candidate[] {
  return columns.flatMap((one, index) =>
    columns.slice(index + 1).flatMap((other) => {
      const cube = cubeOf([one, other], losses)
      return partsOf(one).flatMap((left) =>
        partsOf(other).map((right) => ({
          parts: [left, right],
          cells: cube.within([left.literal, right.literal]),
        })),
      )
    }),
  )
}

/** Adds each condition on a third column to slices of two. */
function triples(
  twos: readonly Candidate[],
  columns: readonly Coded[],
  losses: Losses,
): Candidate[] {
  return twos.flatMap(({ parts }) =>
    columns
      .filter((third) => !parts.some(({ column }) => column === third))
      .flatMap((third) => {
        const cube = cubeOf([...parts.map(({ column }) => column), third], losses)
        return partsOf(third).map((part) => {
          const all = [...parts, part]
          return { parts: all, cells: cube.within(all.map(({ literal }) => literal)) }
        })
      }),
  )
}

function partsOf(column: Coded): Part[] {
  return column.literals.map((literal) => ({ column, literal }))
}

function combinable(
  columns: readonly Coded[],
  ones: readonly Candidate[],
  losses: Losses,
): readonly Coded[] {
  if (columns.length <= COMBINED_MAX) return columns
  const strongest = new Set(best(ones, losses).map(({ parts }) => parts[0]?.column))
  return [...strongest].filter((column) => column !== undefined).slice(0, COMBINED_MAX)
}

/** The surest first; of two that are equally sure the simpler one. */
function best(candidates: readonly Candidate[], losses: Losses): Candidate[] {
  return candidates
    .map((each) => ({ each, strength: strengthOf(losses, each.cells) }))
    .toSorted(
      (one, other) =>
        other.strength - one.strength || one.each.parts.length - other.each.parts.length,
    )
    .map(({ each }) => each)
}

/** A slice must be worse than the rest without the rows that worse slices have, beyond this chance. */
const ALONE_P = 0.001

/** Leaves out what is bad only for the rows that it shares with a worse slice. */
function apart(
  candidates: readonly Candidate[],
  { losses, least, limit }: { losses: Losses; least: number; limit: number },
): Candidate[] {
  const chosen: Candidate[] = []
  let open = Uint32Array.from(losses.values.keys())
  let rest = losses
  for (const each of candidates) {
    if (chosen.length === limit) break
    if (chosen.length > 0 && !isBadIn(each, { open, rest, least })) continue
    chosen.push(each)
    open = open.filter((row) => !isInside(each, row))
    rest = lossesOf(Float64Array.from(open, (row) => losses.values[row] as number))
  }
  return chosen
}

function isBadIn(
  candidate: Candidate,
  { open, rest, least }: { open: Uint32Array; rest: Losses; least: number },
): boolean {
  const cells = { rows: 0, sum: 0, ranks: 0 }
  for (const [index, row] of open.entries())
    if (isInside(candidate, row)) {
      cells.rows++
      cells.sum += rest.values[index] as number
      cells.ranks += rest.ranks[index] as number
    }
  return cells.rows >= least && chanceOfMore(rest, cells) <= ALONE_P
}

function isInside({ parts }: Candidate, row: number): boolean {
  return parts.every(({ column, literal }) => {
    const bin = column.bins[row] as number
    return bin >= literal.from && bin <= literal.to
  })
}

/** How sure it is that the slice is worse, to compare slices by. */
function strengthOf(losses: Losses, cells: Cells): number {
  const { rows } = cells
  const rest = losses.values.length - rows
  return effectOf(losses, cells) * Math.sqrt((rows * rest) / (rows + rest))
}

/** By ranks, which of 0 and 1 say the same and of errors are not swayed by a single one. */
function effectOf({ values, rankStd }: Losses, { rows, ranks }: Cells): number {
  const all = values.length
  const gap = ranks / rows - ((all * (all + 1)) / 2 - ranks) / (all - rows)
  return rankStd === 0 ? 0 : gap / rankStd
}

function sliceOf({ parts, cells }: Candidate, losses: Losses, p: number): Slice {
  const elsewhere = (losses.sum - cells.sum) / (losses.values.length - cells.rows)
  const conditions = parts.map(({ literal }) => literal.condition)
  return {
    conditions,
    name: conditions.map(sentenceOf).join(' and '),
    rows: cells.rows,
    share: cells.rows / losses.values.length,
    loss: cells.sum / cells.rows,
    elsewhere,
    effect: effectOf(losses, cells),
    p,
    excess: losses.sum === 0 ? 0 : (cells.sum - cells.rows * elsewhere) / losses.sum,
  }
}
