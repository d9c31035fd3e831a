import type { MonitorConfig } from '#projects'
import type { PredictionRow } from '#serving'
import {
  answersOf,
  findSlices,
  SEARCH,
  taskOf,
  type Answers,
  type Slice,
  type SliceCell,
} from '#performance'
import { lasting, lastingCondition, sameVersion } from '../conditions.ts'
import type { Condition } from '../findings.ts'
import type { Part, View } from '../part.ts'
import type { SlicesVerdict } from '../slices-verdict.ts'
import type { Window } from '../window.ts'
import { rolesAt } from './performance.ts'

/** Once the labels have had their time. */
export const slices: Part = {
  kind: 'slices',
  due: 'settled',
  judge: async (view) => ({ slices: await searched(view) }),
  told: (window) => ({ worstSlice: slicesIn(window)[0]?.name ?? null }),
  lookback: (monitor) => (monitor.slices?.find?.alert === true ? PERSISTENCE.of : 0),
  conditions: sliceConditions,
}

/** More rows make slices no clearer, and the search longer. */
const ROWS_MAX = 20_000

/** Columns beyond these are not looked at. */
const COLUMNS_MAX = 100

async function searched(view: View): Promise<SlicesVerdict> {
  const { monitor } = view
  const roles = await rolesAt(view)
  const labelled = evenly((await view.rows()).filter(({ label }) => label !== null))
  const task = taskOf(labelled, roles)?.task
  if (task === undefined) return { state: 'skipped', reason: 'no prediction has a label yet' }
  const answers = answersOf(labelled, task, roles)
  const loss = lossOf(answers)
  if (loss === undefined)
    return { state: 'skipped', reason: `there is no loss of single answers of a ${task} model` }
  const rows = Array.from(answers.rows, (row) => labelled[row] as PredictionRow)
  const { depth, support } = monitor.slices?.find ?? {}
  const found = findSlices(columnsOf(rows), loss.each, {
    ...SEARCH,
    ...(depth === undefined ? {} : { depth }),
    ...(support === undefined ? {} : { support }),
  })
  return { state: 'searched', loss: loss.name, ...found }
}

export function lossOf(
  answers: Answers,
): { name: 'share of wrong answers' | 'absolute error'; each: number[] } | undefined {
  if (answers.task === 'regression')
    return {
      name: 'absolute error',
      each: Array.from(answers.predicted, (said, row) =>
        Math.abs(said - (answers.truths[row] as number)),
      ),
    }
  if (answers.task !== 'binary' && answers.task !== 'multiclass') return undefined
  return {
    name: 'share of wrong answers',
    each: Array.from(answers.predicted, (said, row) => Number(said !== answers.truths[row])),
  }
}

/** What rows were asked, by columns; lists have no condition that a person would read. */
export function columnsOf(rows: readonly PredictionRow[]): Record<string, SliceCell[]> {
  const names = [...new Set(rows.flatMap(({ inputs }) => Object.keys(inputs)))]
  return Object.fromEntries(
    names.slice(0, COLUMNS_MAX).flatMap((name) => {
      const cells = rows.map(({ inputs }) => inputs[name])
      const isPlain = cells.every((cell) => typeof cell !== 'object' || cell === null)
      return isPlain ? [[name, cells]] : []
    }),
  )
}

export function evenly<Row>(rows: readonly Row[], most = ROWS_MAX): readonly Row[] {
  const step = Math.ceil(rows.length / most)
  return step <= 1 ? rows : rows.filter((_, index) => index % step === 0)
}

const PERSISTENCE = { windows: 3, of: 5 }

/** Every model is worse somewhere; only who asks is alerted to it, and to what lasts. */
function sliceConditions(
  window: Window,
  earlier: readonly Window[],
  monitor: MonitorConfig,
): readonly Condition[] | 'unjudged' {
  if (monitor.slices?.find?.alert !== true) return []
  if (window.slices?.state !== 'searched') return 'unjudged'
  const windows = sameVersion(window, earlier)
  const keys = new Set(windows.flatMap((each) => slicesIn(each).map(keyOf)))
  return [...keys].map((subject) => {
    const flags = windows.map((each) =>
      each.slices?.state === 'searched'
        ? slicesIn(each).some((slice) => keyOf(slice) === subject)
        : null,
    )
    const last = windows.flatMap(slicesIn).findLast((slice) => keyOf(slice) === subject)
    const detail = `answers are worse where ${last?.name}: ${told(last?.loss)} and ${told(last?.elsewhere)} elsewhere, ${lasting(PERSISTENCE)}`
    return lastingCondition(flags, PERSISTENCE, { subject, severity: 'warning', detail })
  })
}

function slicesIn({ slices: found }: Window): readonly Slice[] {
  return found?.state === 'searched' ? found.slices : []
}

/** Edges of numbers move a little from window to window; the slice stays the one over these columns. */
function keyOf({ conditions }: Slice): string {
  return conditions
    .map((condition) =>
      'is' in condition ? `${condition.column} = ${condition.is}` : condition.column,
    )
    .toSorted()
    .join(' and ')
}

function told(value: number | undefined): string {
  return value === undefined ? 'unknown' : String(Number(value.toPrecision(3)))
}
