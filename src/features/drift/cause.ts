import type { CategoricalProfile, ColumnProfile, NumericProfile, Value } from './profile.ts'

/** What was asked in one row, and the one number that its answer, or its loss, comes down to. */
export interface MovedRow {
  readonly inputs: Readonly<Record<string, Value | null | undefined>>
  readonly output: number | null
}

/** How much one column had to do with a change from some rows to others. */
export interface ColumnCause {
  readonly column: string
  /** Of all that columns had to do with it, 0 to 1. */
  readonly share: number
  /** By how much the mean output moves when this column alone is spread as it is now; null without outputs. */
  readonly movesOutput: number | null
  /** Half the sum of differences between the shares of its bins: how far it is from how it was, 0 to 1. */
  readonly moved: number
  /** The bins that gained and lost most: `above 12`, `JFK`, `no value`. */
  readonly gained: string | null
  readonly lost: string | null
}

export interface Attribution {
  /** The one that had most to do with it first; those whose change is within chance are left out. */
  readonly columns: readonly ColumnCause[]
  /** Mean output of the rows now minus that of the rows before; null without outputs. */
  readonly outputChange: number | null
  /** How much of that the change of a single column explains best, 0 to 1; the rest is answered otherwise than before. */
  readonly explained: number | null
}

/** What a column that has moved counts for although answers do not depend on it. */
const MOVED_ALONE = 0.1

/** A bin with fewer rows before does not say what was answered in it. */
const BIN_ROWS_MIN = 5

/** Movement within so many times what chance alone moves is none. */
const CHANCE = 2

/**
 * Which columns moved the output between two sets of rows. Each column in turn is spread as it is now, all else as
 * it was, by weighing the rows before: what the mean output then moves by is what the column does. It takes no
 * model, so it also tells of models that run elsewhere; columns that go together share what they do.
 */
export function attributed(
  columns: Readonly<Record<string, ColumnProfile>>,
  before: readonly MovedRow[],
  now: readonly MovedRow[],
): Attribution {
  const outputs = outputsOf(before, now)
  const found = Object.entries(columns).flatMap(([column, profile]) => {
    if (profile.kind === 'other' || before.length === 0 || now.length === 0) return []
    const named = { column, profile }
    const sizes = 1 / before.length + 1 / now.length
    return [weighed(named, binsOf(named, before, now), { outputs, sizes })]
  })
  const all = found.reduce((sum, { weight }) => sum + weight, 0)
  const causes = found
    .filter(({ weight }) => weight > 0)
    .toSorted((one, other) => other.weight - one.weight)
    .map(({ cause, weight }) => Object.assign(cause, { share: weight / all }))
  return { columns: causes, ...explainedBy(causes, outputs) }
}

interface Outputs {
  readonly mean: number
  readonly std: number
  readonly change: number
}

function outputsOf(before: readonly MovedRow[], now: readonly MovedRow[]): Outputs | null {
  const [old, fresh] = [numbersIn(before), numbersIn(now)]
  if (old.length === 0 || fresh.length === 0) return null
  const mean = meanOf(old)
  const spread = Math.sqrt(meanOf(old.map((value) => (value - mean) ** 2)))
  const change = meanOf(fresh) - mean
  return { mean, std: spread > 0 ? spread : Math.abs(change) || 1, change }
}

interface Bin {
  /** Shares of the rows before and now. */
  readonly before: number
  readonly now: number
  /** Mean output in it; null where no row has one. */
  readonly output: number | null
}

interface Named {
  readonly column: string
  readonly profile: NumericProfile | CategoricalProfile
}

interface Tally {
  rows: number
  told: number
  output: number
}

function binsOf(named: Named, before: readonly MovedRow[], now: readonly MovedRow[]): Bin[] {
  const { profile } = named
  const old = tallied(named, before)
  const fresh = tallied(named, now)
  const inner = profile.kind === 'numeric' ? profile.edges.length : profile.categories.length
  return old.map((one, index) => {
    const other = fresh[index] as Tally
    const [was, is] = [one.rows / before.length, other.rows / now.length]
    // What came new into an open bin is not what was in it: far out is not just outside.
    const isOpen = index >= inner || (profile.kind === 'numeric' && index === 0)
    const isNew = isOpen && is > 4 * was
    const told = one.told < BIN_ROWS_MIN || isNew ? other : one
    return { before: was, now: is, output: told.told === 0 ? null : told.output / told.told }
  })
}

function tallied({ column, profile }: Named, rows: readonly MovedRow[]): Tally[] {
  const place = placeIn(profile)
  const bins = (profile.kind === 'numeric' ? profile.edges : profile.categories).length + 2
  const tallies = Array.from({ length: bins }, (): Tally => ({ rows: 0, told: 0, output: 0 }))
  for (const { inputs, output } of rows) {
    const tally = tallies[place(inputs[column])] as Tally
    tally.rows++
    if (output === null || !Number.isFinite(output)) continue
    tally.told++
    tally.output += output
  }
  return tallies
}

/** The place of a value's bin; that of no value is the last. */
function placeIn(profile: Named['profile']): (value: Value | null | undefined) => number {
  const missing = (profile.kind === 'numeric' ? profile.edges : profile.categories).length + 1
  if (profile.kind === 'categorical') {
    const places = new Map(profile.categories.map((category, index) => [category, index]))
    return (value) => (isMissing(value) ? missing : (places.get(String(value)) ?? missing - 1))
  }
  const { edges } = profile
  return (value) => {
    const number = Number(value)
    if (isMissing(value) || Number.isNaN(number)) return missing
    let [low, high] = [0, edges.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if ((edges[middle] as number) < number) low = middle + 1
      else high = middle
    }
    return low
  }
}

function isMissing(value: Value | null | undefined): boolean {
  return (
    value === null || value === undefined || (typeof value === 'number' && !Number.isFinite(value))
  )
}

function weighed(
  named: Named,
  bins: readonly Bin[],
  { outputs, sizes }: { outputs: Outputs | null; sizes: number },
): { cause: ColumnCause; weight: number } {
  const moved = movedOf(bins, sizes)
  let [moves, sways, chance] = [0, 0, 0]
  for (const { before, now, output } of bins) {
    if (output === null || outputs === null) continue
    const off = output - outputs.mean
    moves += (now - before) * off
    sways += Math.abs((now - before) * off) / 2
    chance += (chanceOf(before, sizes) * Math.abs(off)) / 2
  }
  const swayed = outputs === null ? 0 : Math.max(0, sways - CHANCE * chance) / outputs.std
  const cause: ColumnCause = {
    column: named.column,
    share: 0,
    movesOutput: outputs === null ? null : moves,
    moved: moved.all,
    gained: nameOf(named.profile, bins, 1),
    lost: nameOf(named.profile, bins, -1),
  }
  return { cause, weight: moved.beyond === 0 ? 0 : swayed + MOVED_ALONE * moved.beyond }
}

/** How far the shares are apart, and how much of that is beyond chance. */
function movedOf(bins: readonly Bin[], sizes: number): { all: number; beyond: number } {
  let [all, chance] = [0, 0]
  for (const { before, now } of bins) {
    all += Math.abs(now - before) / 2
    chance += chanceOf((before + now) / 2, sizes) / 2
  }
  return { all, beyond: Math.max(0, all - CHANCE * chance) }
}

/** By how much a share differs between two draws of the same rows, on average; `sizes` is 1/n + 1/m. */
function chanceOf(share: number, sizes: number): number {
  return Math.sqrt((2 / Math.PI) * share * (1 - share) * sizes)
}

/** The bin that gained (or lost) most, as a person names it. */
function nameOf(
  profile: NumericProfile | CategoricalProfile,
  bins: readonly Bin[],
  sign: 1 | -1,
): string | null {
  const gains = bins.map(({ before, now }) => sign * (now - before))
  const most = Math.max(...gains)
  if (!(most > 0)) return null
  const index = gains.indexOf(most)
  if (profile.kind === 'categorical') {
    const { length } = profile.categories
    if (index < length) return profile.categories[index] as string
    return index === length ? 'categories that were not there' : 'no value'
  }
  const { edges } = profile
  if (index > edges.length) return 'no value'
  if (index === edges.length) return `above ${short(edges.at(-1))}`
  if (index === 0) return `up to ${short(edges[0])}`
  return `${short(edges[index - 1])} to ${short(edges[index])}`
}

function short(value: number | undefined): string {
  return String(Number((value ?? 0).toPrecision(4)))
}

function explainedBy(
  causes: readonly ColumnCause[],
  outputs: Outputs | null,
): Pick<Attribution, 'outputChange' | 'explained'> {
  if (outputs === null) return { outputChange: null, explained: null }
  const { change } = outputs
  const shares = causes.map(({ movesOutput }) => (change === 0 ? 0 : (movesOutput ?? 0) / change))
  return { outputChange: change, explained: Math.min(1, Math.max(0, ...shares)) }
}

function numbersIn(rows: readonly MovedRow[]): number[] {
  return rows.flatMap(({ output }) => (output !== null && Number.isFinite(output) ? [output] : []))
}

function meanOf(values: readonly number[]): number {
  return values.reduce((all, value) => all + value, 0) / values.length
}
