import { benjaminiHochberg } from '#statistics'
import type { Logged } from '#inference'
import type { Profile } from '#drift'
import type { WindowDrift } from '../windows/window.ts'
import { suspicionsOf, uncheckedOf, type ColumnLooked, type Suspicion } from './column.ts'
import { lookAt, type Look } from './look.ts'
import type { QualityIssue, QualityVerdict } from './verdict.ts'

/** Share of false discoveries among all that is suspected in a window. */
const FALSE_DISCOVERIES = 0.01

/** More cells than this are not compared to find rows that repeat others. */
const CELLS_MAX = 2_000_000

export interface QualityOptions {
  readonly samplesMin: number
  readonly drift: WindowDrift | undefined
  /** What the windows before this one found, oldest first. */
  readonly earlier: readonly QualityVerdict[]
}

type Inputs = Readonly<Record<string, Logged>>

/** Holds the inputs of a window, in the order of event time, against the training data and against earlier windows. */
export function qualityOf(
  rows: readonly Inputs[],
  { columns }: Profile,
  { samplesMin, drift, earlier }: QualityOptions,
): QualityVerdict {
  if (rows.length < samplesMin)
    return { state: 'skipped', reason: `${rows.length} predictions are fewer than ${samplesMin}` }
  const before = earlier.filter((each) => each.state === 'judged')
  const suspicions: Suspicion[] = []
  const unchecked: { what: string; reason: string }[] = []
  const looks: Record<string, Look> = {}
  for (const [name, profile] of Object.entries(columns)) {
    if (profile.kind === 'other') {
      unchecked.push({ what: name, reason: profile.reason })
      continue
    }
    const values = rows.map((inputs) => inputs[name])
    const look = lookAt(values, profile, before.at(-1)?.columns[name])
    looks[name] = look
    const column = { name, profile, values, look, earlier: soundLooks(before, name) }
    const changed = changedIn(before.at(-1), name)
    const looked: ColumnLooked = { ...column, changed, drift: driftOfColumn(drift, name) }
    suspicions.push(...suspicionsOf(looked))
    unchecked.push(...uncheckedOf(looked))
  }
  const duplicates = duplicatesIn(rows, Object.keys(columns))
  const issues = discovered(suspicions)
  return {
    state: 'judged',
    rows: rows.length,
    issues: [...issues, ...(issues.some(isLost) ? [] : repeated(duplicates, before))],
    unchecked,
    duplicates,
    columns: looks,
  }
}

type Judged = Extract<QualityVerdict, { state: 'judged' }>

/** A column is held against windows in which nothing was wrong with it: what broke must not become what is usual. */
function soundLooks(before: readonly Judged[], name: string): Look[] {
  return before.flatMap(({ columns, issues }) => {
    const look = columns[name]
    // A promise may have been broken all along, and tells nothing of what is usual.
    const isBroken = issues.some(({ column, check }) => column === name && check !== 'contract')
    return look === undefined || isBroken ? [] : [look]
  })
}

function changedIn(before: Judged | undefined, name: string): ColumnLooked['changed'] {
  const look = before?.columns[name]
  const issue = before?.issues.find(({ column, check }) => column === name && check === 'unit')
  return look === undefined || issue === undefined ? undefined : { look, issue }
}

function driftOfColumn(drift: WindowDrift | undefined, name: string): ColumnLooked['drift'] {
  if (drift === undefined || drift.state === 'skipped') return undefined
  const found = drift.features.find(({ feature }) => feature === name)
  return found === undefined || found.state === 'skipped' ? undefined : found
}

/** The suspicions that are no chance, though there are many columns to suspect. */
function discovered(suspicions: readonly Suspicion[]): QualityIssue[] {
  const ps = benjaminiHochberg(suspicions.map(({ p }) => p))
  return suspicions
    .filter((_, index) => (ps[index] as number) <= FALSE_DISCOVERIES)
    .map(({ issue }) => issue)
}

function duplicatesIn(rows: readonly Inputs[], names: readonly string[]): number {
  const looked = rows.slice(0, Math.max(1, Math.floor(CELLS_MAX / Math.max(1, names.length))))
  const seen = new Set(looked.map((inputs) => JSON.stringify(names.map((name) => inputs[name]))))
  return 1 - seen.size / looked.length
}

const EARLIER_MIN = 3
const MORE_MIN = 0.1

/** Rows that a column no longer tells apart repeat one another: that is no finding of its own. */
function isLost({ check }: QualityIssue): boolean {
  return check === 'vanished' || check === 'stuck' || check === 'type'
}

/** Many more rows are there twice than in any window before, as after a join that matched too often. */
function repeated(duplicates: number, before: readonly Judged[]): QualityIssue[] {
  const sound = before.filter(
    ({ issues }) => !issues.some((each) => each.check === 'duplicates' || isLost(each)),
  )
  const usual = sound.map((each) => each.duplicates)
  if (usual.length < EARLIER_MIN) return []
  const most = Math.max(...usual)
  if (duplicates < most + Math.max(MORE_MIN, 3 * deviation(usual))) return []
  const shares = [duplicates, most].map((share) => `${Number((100 * share).toPrecision(2))} %`)
  return [
    {
      column: '',
      check: 'duplicates',
      severity: 'warning',
      share: duplicates,
      detail: `${shares[0]} of the predictions repeat another one word for word; before, at most ${shares[1]} of a window did`,
    },
  ]
}

function deviation(values: readonly number[]): number {
  const mean = values.reduce((all, value) => all + value, 0) / values.length
  return Math.sqrt(values.reduce((all, value) => all + (value - mean) ** 2, 0) / values.length)
}
