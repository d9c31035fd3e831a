import type { Profile } from '#drift'
import {
  estimate,
  fairnessOf,
  fitEstimator,
  performanceOf,
  realised,
  taskOf,
  type Estimate,
  type Estimator,
  type Roles,
  type Task,
} from '#performance'
import type { PredictionRow } from '#serving'
import {
  errorsOf,
  watched,
  type ConceptDetector,
  type ConceptVerdict,
  type DetectorsState,
} from '../concept/errors.ts'
import { qualityOf, type QualityOptions } from '../quality/judge.ts'
import { lookAtRows } from '../spans/rows.ts'
import type { Reference } from '../store.ts'
import { searchedIn } from './slices.ts'

type Rows = readonly PredictionRow[]

/**
 * The arithmetic over rows that takes long, by name. Each is pure, takes plain data and gives plain data, so that it
 * is the same here and in a thread that is sent the rows.
 */
export const WORKS = {
  performance: (rows: Rows, settings: Parameters<typeof performanceOf>[1]) =>
    performanceOf(rows, settings),
  fairness: (rows: Rows, settings: Parameters<typeof fairnessOf>[1]) => fairnessOf(rows, settings),
  slices: searchedIn,
  quality: (rows: Rows, { profile, options }: { profile: Profile; options: QualityOptions }) =>
    qualityOf(
      rows.map(({ inputs }) => inputs),
      profile,
      options,
    ),
  look: (rows: Rows, reference: Reference) => lookAtRows(rows, reference),
  fit: (rows: Rows, roles: Roles) => fitEstimator(rows, roles),
  estimate: (rows: Rows, { estimator, modelVersion }: OfVersion): Estimate[] =>
    estimate(estimator, answeredBy(rows, modelVersion)),
  realised: (rows: Rows, { estimator, modelVersion }: OfVersion) =>
    realised(estimator, answeredBy(rows, modelVersion)),
  concept,
}

interface OfVersion {
  readonly estimator: Estimator
  readonly modelVersion: string
}

function answeredBy(rows: Rows, modelVersion: string): Rows {
  return rows.filter((row) => row.modelVersion === modelVersion)
}

/** Detectors go on from where the last window of the version left them, if its errors are of the same kind. */
function concept(
  rows: Rows,
  asked: {
    task: Task | undefined
    roles: Roles
    names: readonly ConceptDetector[]
    before: readonly { readonly unit: string; readonly kept: DetectorsState }[]
  },
): ConceptVerdict {
  const { roles, names, before } = asked
  const task = asked.task ?? taskOf(rows, roles)?.task
  if (task === undefined) return { state: 'skipped', reason: 'no labels have come' }
  const errors = errorsOf(rows, task, roles)
  if ('reason' in errors) return { state: 'skipped', reason: errors.reason }
  const last = before.findLast(({ unit }) => unit === errors.unit)
  return watched(errors, { names, before: last?.kept })
}

export type WorkName = keyof typeof WORKS
export type WorkInput<Name extends WorkName> = Parameters<(typeof WORKS)[Name]>[1]
export type WorkResult<Name extends WorkName> = ReturnType<(typeof WORKS)[Name]>

/** Does one work. What is not known by this name is a bug of the caller. */
export function done<Name extends WorkName>(
  name: Name,
  rows: Rows,
  input: WorkInput<Name>,
): WorkResult<Name> {
  const work = WORKS[name] as (
    of: readonly PredictionRow[],
    with_: WorkInput<Name>,
  ) => WorkResult<Name>
  return work(rows, input)
}
