import { answersOf, type Roles, type Task } from '#performance'
import type { PredictionRow } from '#serving'
import {
  adwin,
  ddm,
  eddm,
  fhddm,
  hddmA,
  hddmW,
  kswin,
  pageHinkley,
  type Detector,
  type Said,
} from '#statistics'

export type ConceptDetector = keyof typeof DETECTORS

/** What detectors of change heard in a window's errors, in the order of event time. */
export type ConceptVerdict =
  | {
      readonly state: 'watched'
      /** Errors are 0 and 1 for each row, or absolute differences. */
      readonly unit: Unit
      readonly rows: number
      /** Mean error in the window, and in the version's windows before it; null in its first. */
      readonly rate: number
      readonly rateBefore: number | null
      readonly detectors: readonly DetectorVerdict[]
      /** Any of them told of a drift. */
      readonly drifted: boolean
      /** What the next window goes on from. */
      readonly kept: DetectorsState
    }
  | { readonly state: 'skipped'; readonly reason: string }

type Unit = 'share' | 'amount'

export interface DetectorVerdict {
  readonly name: ConceptDetector
  readonly drifts: number
  /** Event time of the row at which the first was told. */
  readonly firstMs: number | null
  /** Whether its last word was a warning. */
  readonly warning: boolean
  /** Why it was not asked. */
  readonly reason?: string
}

/** Plain JSON: it is kept with the window. */
export interface DetectorsState {
  readonly rows: number
  readonly mean: number
  readonly detectors: Readonly<Record<string, Said>>
}

const DETECTORS = {
  adwin: { detector: adwin(), takes: 'numbers' },
  ddm: { detector: ddm(), takes: 'errors' },
  eddm: { detector: eddm(), takes: 'errors' },
  fhddm: { detector: fhddm(), takes: 'hits' },
  'hddm-a': { detector: hddmA(), takes: 'errors' },
  'hddm-w': { detector: hddmW(), takes: 'errors' },
  kswin: { detector: kswin(), takes: 'numbers' },
  'page-hinkley': { detector: pageHinkley(), takes: 'numbers' },
} satisfies Record<string, { detector: Detector<Said>; takes: 'numbers' | 'errors' | 'hits' }>

export interface Errors {
  readonly unit: Unit
  readonly values: readonly { readonly error: number; readonly eventMs: number }[]
}

/** How wrong each labelled row was, in the order of event time; or why that cannot be said. */
export function errorsOf(
  rows: readonly PredictionRow[],
  task: Task,
  roles: Roles,
): Errors | { readonly reason: string } {
  if (task === 'ranking') return { reason: 'a row of a ranking is not wrong by itself' }
  const ordered = rows.toSorted(
    (one, other) => one.eventMs - other.eventMs || (one.id < other.id ? -1 : 1),
  )
  const answers = answersOf(ordered, task, roles)
  if (answers.task === 'ranking') return { reason: 'a row of a ranking is not wrong by itself' }
  const width = answers.task === 'multilabel' ? answers.labels.length : 1
  const isAmount = answers.task === 'regression'
  const values = Array.from(answers.rows, (row, place) => {
    let error = 0
    for (let at = place * width; at < (place + 1) * width; at++) {
      const off = Math.abs((answers.truths[at] as number) - (answers.predicted[at] as number))
      error = Math.max(error, isAmount ? off : Number(off !== 0))
    }
    return { error, eventMs: (ordered[row] as PredictionRow).eventMs }
  }).filter(({ error }) => Number.isFinite(error))
  if (values.length === 0) return { reason: 'no labels have come' }
  return { unit: isAmount ? 'amount' : 'share', values }
}

/** Goes on from where the window before was left. */
export function watched(
  { unit, values }: Errors,
  { names, before }: { names: readonly ConceptDetector[]; before: DetectorsState | undefined },
): ConceptVerdict {
  const rate = values.reduce((all, { error }) => all + error, 0) / values.length
  const states: Record<string, Said> = {}
  const detectors = names.map((name): DetectorVerdict => {
    const { detector, takes } = DETECTORS[name]
    const nothing = { name, drifts: 0, firstMs: null, warning: false }
    if (unit === 'amount' && takes !== 'numbers')
      return { ...nothing, reason: 'it takes answers that are right or wrong, not amounts' }
    const state = structuredClone(before?.detectors[name]) ?? detector.start()
    states[name] = state
    const signals = values.map(({ error, eventMs }) => ({
      eventMs,
      ...(detector as Detector<Said>).update(state, takes === 'hits' ? 1 - error : error),
    }))
    const drifts = signals.filter(({ drift }) => drift)
    return {
      name,
      drifts: drifts.length,
      firstMs: drifts[0]?.eventMs ?? null,
      warning: signals.at(-1)?.warning ?? false,
    }
  })
  const rows = (before?.rows ?? 0) + values.length
  return {
    state: 'watched',
    unit,
    rows: values.length,
    rate,
    rateBefore: before?.mean ?? null,
    detectors,
    drifted: detectors.some(({ drifts }) => drifts > 0),
    kept: {
      rows,
      mean: ((before?.mean ?? 0) * (before?.rows ?? 0) + rate * values.length) / rows,
      detectors: states,
    },
  }
}
