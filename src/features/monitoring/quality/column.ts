import type { CategoricalProfile, ColumnProfile, NumericProfile } from '#drift'
import type { Logged } from '#inference'
import { numberIn, type Look } from './look.ts'
import { distance, unitChangeOf } from './units.ts'
import type { QualityCheck, QualityIssue } from './verdict.ts'

/** A column of a window with what it is held against. */
export interface ColumnLooked {
  readonly name: string
  readonly profile: NumericProfile | CategoricalProfile
  readonly values: readonly (Logged | undefined)[]
  readonly look: Look
  /** The same column in the windows before that were as they should be, oldest first. */
  readonly earlier: readonly Look[]
  /** What the window before said of its unit, if it did, and how it looked. */
  readonly changed?: { readonly issue: QualityIssue; readonly look: Look } | undefined
  /** Its distance from the training data and what is ordinary, as drift has it; undefined where it has none. */
  readonly drift: { readonly effect: number | null; readonly threshold: number } | undefined
}

/** An issue that may be chance: it counts when it is not, among all that are looked at in the window. */
export interface Suspicion {
  readonly issue: QualityIssue
  /** How likely so much of it is by chance; 0 for what cannot be chance. */
  readonly p: number
}

/** Smaller shares of rows than this are not worth a word. */
const SHARE_MIN = 0.005
/** Fewer gaps than this beyond the usual come and go. */
const MISSING_MORE_MIN = 0.05
/** In a column of very many categories they come and go; one with less of the rows than this is none of them that matters. */
const CATEGORY_GROWN_MIN = 0.05
/** A share that leaves no doubt that something broke. */
const SHARE_GROSS = 0.5
/** Before so many windows, what is usual is not known. */
const EARLIER_MIN = 3

export function suspicionsOf(column: ColumnLooked): Suspicion[] {
  const { look } = column
  if (look.rows === 0) return []
  if (look.missing === look.rows) return gone(column)
  const checks = [mistyped, missing, infinite, outOfRange, newCategories, stuck, stale, unit]
  return checks.flatMap((check) => check(column) ?? [])
}

/** What reasons there are to leave a check out. */
export function uncheckedOf({ name, profile, earlier }: ColumnLooked): {
  what: string
  reason: string
}[] {
  const missed = []
  if (profile.kind === 'categorical' && hasMore(profile))
    missed.push({
      what: `${name}: new-categories`,
      reason: `its training data has more than ${profile.categories.length} categories: only a new one with ${percent(CATEGORY_GROWN_MIN)} of the rows is told`,
    })
  if (earlier.length < EARLIER_MIN)
    missed.push({
      what: `${name}: stuck, stale`,
      reason: `${earlier.length} windows before this one are fewer than ${EARLIER_MIN}`,
    })
  return missed
}

function gone(column: ColumnLooked): Suspicion[] {
  const usual = usualMissing(column.profile)
  if (usual >= 0.99) return []
  const detail = `${column.name} has no value in any of ${column.look.rows} predictions; the training data has it in ${percent(1 - usual)}`
  return [certain(column, { check: 'vanished', share: 1, detail, gross: true })]
}

function mistyped(column: ColumnLooked): Suspicion | undefined {
  const { look, name, profile } = column
  const share = look.mistyped / look.rows
  if (share < SHARE_MIN) return undefined
  const kind = profile.kind === 'numeric' ? 'a number' : 'text'
  const detail = `${percent(share)} of ${name} are not ${kind}, as in the training data, but such as ${look.mistypedAs ?? ''}`
  return certain(column, { check: 'type', share, detail, gross: share >= SHARE_GROSS })
}

/** More is missing than ever in a window of the training data, and more than chance brings. */
function missing(column: ColumnLooked): Suspicion | undefined {
  const { look, name, profile } = column
  const usual = usualMissing(profile)
  const share = look.missing / look.rows
  const ordinary = profile.spread?.missing
  const slack = ordinary === undefined ? 0.05 : ordinary.mean + 3 * ordinary.std
  const bound = usual + Math.max(MISSING_MORE_MIN, slack)
  if (share <= bound) return undefined
  const detail = `${percent(share)} of ${name} are missing; in the training data ${percent(usual)}`
  const p = atLeast(look.missing, look.rows * Math.max(usual, 1 / rowsOf(profile)))
  return {
    p,
    issue: issueOf(column, {
      check: 'missing',
      share,
      detail,
      gross: share >= SHARE_GROSS && bound < 0.2,
    }),
  }
}

function infinite(column: ColumnLooked): Suspicion | undefined {
  const share = column.look.infinite / column.look.rows
  if (share < SHARE_MIN) return undefined
  const detail = `${percent(share)} of ${column.name} are infinite`
  return certain(column, { check: 'infinite', share, detail, gross: false })
}

/** Beyond the training data's range by as much again as that is wide: what no season brings, such as -999. */
function outOfRange(column: ColumnLooked): Suspicion | undefined {
  const { profile, look, values, name } = column
  if (profile.kind === 'categorical') return undefined
  const width = profile.max - profile.min
  const wide = width > 0 ? width : Math.max(1, Math.abs(profile.max))
  const [low, high] = [profile.min - wide, profile.max + wide]
  const [least = 0, most = 0] = [look.tenths[0], look.tenths.at(-1)]
  if (look.tenths.length === 0 || (least >= low && most <= high)) return undefined
  const beyond = values
    .map(numberIn)
    .filter((value) => value !== undefined && (value < low || value > high))
  const share = beyond.length / look.rows
  if (share < SHARE_MIN) return undefined
  const detail = `${percent(share)} of ${name} are far outside of what it was in the training data (${short(profile.min)} to ${short(profile.max)}), such as ${short(beyond[0] as number)}`
  return certain(column, { check: 'range', share, detail, gross: share >= SHARE_GROSS })
}

/** Values that the training data never had, and more of them than a few categories that it only just missed. */
function newCategories(column: ColumnLooked): Suspicion | undefined {
  const { profile, look, values, name } = column
  if (profile.kind === 'numeric') return undefined
  const known = new Set(profile.categories)
  const unseen = new Map<string, number>()
  let count = 0
  for (const value of values) {
    if (value === null || value === undefined || known.has(String(value))) continue
    count++
    const text = typeof value === 'object' ? JSON.stringify(value) : String(value)
    if (unseen.size < 1000 || unseen.has(text)) unseen.set(text, (unseen.get(text) ?? 0) + 1)
  }
  if (hasMore(profile)) return grownCategory(column, profile, unseen)
  const share = count / look.rows
  if (share < SHARE_MIN) return undefined
  const seenOnce = profile.counts.bins.filter((each) => each === 1).length
  const expected = (look.rows * (seenOnce + 1)) / rowsOf(profile)
  const names = [...unseen].toSorted((one, other) => other[1] - one[1]).slice(0, 5)
  const detail = `${percent(share)} of ${name} are values that the training data does not have (${names.map(([text]) => JSON.stringify(text)).join(', ')})`
  return {
    p: atLeast(count, expected),
    issue: issueOf(column, { check: 'new-categories', share, detail, gross: share >= SHARE_GROSS }),
  }
}

/**
 * Of a column with more categories than are kept, the training data had each of the others at most as often as the
 * rarest of those kept: one that comes far more often now was not there, or hardly.
 */
function grownCategory(
  column: ColumnLooked,
  profile: CategoricalProfile,
  unseen: ReadonlyMap<string, number>,
): Suspicion | undefined {
  const { look, name } = column
  const [text, count] = [...unseen].reduce(
    (one, other) => (other[1] > one[1] ? other : one),
    ['', 0],
  )
  const share = count / look.rows
  if (share < CATEGORY_GROWN_MIN) return undefined
  const rarest = profile.counts.bins[profile.categories.length - 1] ?? 0
  const most = (rarest + 1) / rowsOf(profile)
  const detail = `${percent(share)} of ${name} are ${JSON.stringify(text)}, which were at most ${short(100 * most)} % of the training data`
  return {
    // Any of those that were not kept could have been the one.
    p: Math.min(1, unseen.size * atLeast(count, look.rows * most)),
    issue: issueOf(column, { check: 'new-categories', share, detail, gross: share >= SHARE_GROSS }),
  }
}

/** One value all along, or for long, where it used to change. */
function stuck(column: ColumnLooked): Suspicion | undefined {
  const { look, earlier, name, profile } = column
  const present = look.rows - look.missing
  const usual = earlier.length >= EARLIER_MIN ? earlier : undefined
  if (look.distinct === 1 && varies(profile)) {
    const unlikeBefore = usual?.every(isVaried) ?? isUnlikeTraining(column)
    if (!unlikeBefore || present < PRESENT_MIN) return undefined
    const detail = `${name} is one and the same value in all of ${present} predictions; it used to vary`
    return certain(column, { check: 'stuck', share: 1, detail, gross: true })
  }
  if (usual === undefined) return undefined
  const longest = Math.max(...usual.map(({ run }) => run))
  const length = look.run * present
  const others = Math.max(0, look.mode - look.run) + 1 / present
  const chance =
    present *
    Math.exp(length * Math.log(Math.max(others, Math.max(...usual.map(({ mode }) => mode)))))
  if (look.run < longest + RUN_MORE || chance > 1e-6) return undefined
  const detail = `${name} kept one value for ${Math.round(length)} predictions in a row; before, for at most ${percent(longest)} of a window`
  return certain(column, { check: 'stuck', share: look.run, detail, gross: false })
}

/** A window of which a column with two values, or nearly always the same one, could hold one only. */
function isVaried({ distinct, mode }: Look): boolean {
  return distinct >= 3 && mode <= 0.7
}

/** Farther from the training data than windows of the training data are. */
function isUnlikeTraining({ profile, drift }: ColumnLooked): boolean {
  return drift !== undefined && profile.spread !== null && (drift.effect ?? 0) > drift.threshold
}

const PRESENT_MIN = 30
const RUN_MORE = 0.2
/** Windows whose values are as alike as this hold the same ones. */
const SAME_OVERLAP = 0.9
const USUAL_OVERLAP_MAX = 0.5

/** The values of the window before, once more, where each window used to bring its own. */
function stale(column: ColumnLooked): Suspicion | undefined {
  const { look, earlier, name } = column
  const usual = earlier.flatMap(({ overlap }) => overlap ?? [])
  if (look.overlap === null || look.overlap < SAME_OVERLAP || usual.length < EARLIER_MIN)
    return undefined
  if (Math.max(...usual) > USUAL_OVERLAP_MAX) return undefined
  const detail = `${name} holds the values of the window before once more; windows used to have their own`
  return certain(column, { check: 'stale', share: null, detail, gross: false })
}

/** A jump that a change of unit undoes: from the window before, or from training to serving. */
function unit(column: ColumnLooked): Suspicion | undefined {
  const { profile, look, earlier, name, drift } = column
  if (profile.kind === 'categorical') return undefined
  const windows = earlier.map(({ tenths }) => tenths).filter(({ length }) => length > 0)
  const isFar = drift !== undefined && (drift.effect ?? 0) > drift.threshold
  if (isFar && column.changed !== undefined && isAlike(look, column.changed.look))
    return { p: 0, issue: column.changed.issue }
  const step = usualStep(windows)
  const isLeap =
    step < STEADY * profile.std && distance(look.tenths, windows.at(-1) ?? []) > LEAP * step
  if (look.tenths.length === 0 || (!isFar && !isLeap)) return undefined
  const before = windows.at(-1) ?? tenthsOf(profile)
  const change = unitChangeOf(look.tenths, windows.length > 0 ? windows : [before], {
    unit: profile.std,
    step: isFar ? 0 : step,
    ...(isFar ? { least: leastJump(step, profile.std) } : {}),
  })
  if (change === undefined) return undefined
  const since = earlier.length === 0 ? 'training' : 'the window before'
  const detail = `${name} looks as if it was ${change.name} since ${since}: its median is ${short(look.tenths[5] as number)}, and was ${short(before[5] as number)}`
  return certain(column, { check: 'unit', share: null, detail, gross: true })
}

const STEPS_MIN = 5
/** So many times the usual step from one window to the next is one that a window seldom takes. */
const LEAP = 2.5

/** Windows that differ no more than this from one to the next, in standard deviations: a leap stands out. */
const STEADY = 0.5

/** What has changed its unit and stays as it is then has changed it still. */
function isAlike({ tenths }: Look, { tenths: before }: Look): boolean {
  if (tenths.length === 0 || before.length === 0) return false
  return distance(tenths, before) < ALIKE * Math.abs((before[9] as number) - (before[1] as number))
}

const ALIKE = 0.2

/** A standard deviation; less where windows hardly differ from one to the next, and a smaller jump stands out. */
function leastJump(step: number, std: number): number {
  return Math.min(1, Math.max(JUMP_LEAST, (LEAP * step) / std))
}

const JUMP_LEAST = 0.25

/** The greatest step between two windows in a row; infinite where too few of them are known. */
function usualStep(windows: readonly (readonly number[])[]): number {
  if (windows.length <= STEPS_MIN) return Infinity
  return Math.max(
    ...windows.slice(1).map((each, index) => distance(each, windows[index] as number[])),
  )
}

/** From the edges of twentieths, where the column has all of them. */
function tenthsOf({ edges, min, max }: NumericProfile): number[] {
  if (edges.length !== 19) return []
  return [min, ...Array.from({ length: 9 }, (_, tenth) => edges[2 * tenth + 1] as number), max]
}

interface Found {
  readonly check: QualityCheck
  readonly share: number | null
  readonly detail: string
  /** So much of it that it is told at once. */
  readonly gross: boolean
}

function issueOf({ name }: ColumnLooked, { gross, ...found }: Found): QualityIssue {
  return { column: name, severity: gross ? 'critical' : 'warning', ...found }
}

function certain(column: ColumnLooked, found: Found): Suspicion {
  return { p: 0, issue: issueOf(column, found) }
}

/** How likely a number of rare events is at least so great: Chernoff's bound for Poisson. */
function atLeast(count: number, expected: number): number {
  if (count <= expected) return 1
  return Math.exp(count - expected - count * Math.log(count / expected))
}

function usualMissing({ counts }: NumericProfile | CategoricalProfile): number {
  const all = rowsOf({ counts })
  return all === 0 ? 1 : counts.missing / all
}

function rowsOf({ counts }: Pick<NumericProfile, 'counts'>): number {
  return counts.bins.reduce((all, count) => all + count, counts.missing)
}

function hasMore({ counts, categories }: CategoricalProfile): boolean {
  return (counts.bins[categories.length] ?? 0) > 0
}

function varies(profile: Exclude<ColumnProfile, { kind: 'other' }>): boolean {
  return profile.kind === 'numeric' ? profile.max > profile.min : profile.categories.length > 1
}

function percent(share: number): string {
  return `${Number((100 * share).toPrecision(2))} %`
}

function short(value: number): string {
  return String(Number(value.toPrecision(4)))
}
