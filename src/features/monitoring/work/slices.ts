import type { PredictionRow } from '#serving'
import {
  answersOf,
  findSlices,
  SEARCH,
  taskOf,
  type Answers,
  type Roles,
  type SliceCell,
} from '#performance'
import type { SlicesVerdict } from '../parts/slices-verdict.ts'

/** More rows make slices no clearer, and the search longer. */
const ROWS_MAX = 20_000

/** Columns beyond these are not looked at. */
const COLUMNS_MAX = 100

/** Looks for slices of the labelled rows in which answers are worse. */
export function searchedIn(
  rows: readonly PredictionRow[],
  { roles, depth, support }: { roles: Roles; depth?: 1 | 2 | 3; support?: number },
): SlicesVerdict {
  const labelled = evenly(rows.filter(({ label }) => label !== null))
  const task = taskOf(labelled, roles)?.task
  if (task === undefined) return { state: 'skipped', reason: 'no prediction has a label yet' }
  const answers = answersOf(labelled, task, roles)
  const loss = lossOf(answers)
  if (loss === undefined)
    return { state: 'skipped', reason: `there is no loss of single answers of a ${task} model` }
  const read = Array.from(answers.rows, (row) => labelled[row] as PredictionRow)
  const found = findSlices(columnsOf(read), loss.each, {
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
