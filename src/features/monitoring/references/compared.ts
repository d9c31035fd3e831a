import { noiseFloorOf, type CategoricalProfile, type Counts, type NumericProfile } from '#drift'
import { Problem } from '#base/problem'
import { heldIn, viewOf, type Sources } from '../windows/view.ts'
import type { Window } from '../windows/window.ts'

/** One column of a window beside what it is compared with, value by value. */
export interface ComparedColumn {
  /** Null for what was answered. */
  readonly feature: string | null
  readonly reference: {
    readonly modelVersion: string
    readonly rows: number
    /** Event time that it is of; null where that is not known. */
    readonly span: { readonly fromMs: number; readonly toMs: number } | null
    readonly column: NumericProfile | CategoricalProfile
  }
  /** Null where no row of the window has it, or the rows are gone. */
  readonly counts: Counts | null
  /** The distance that two samples of one population of these sizes show by chance; null without counts. */
  readonly noiseFloor: number | null
}

/** Looks at one column of a window, or at the answers where `feature` is null. Throws `not-found`. */
export async function comparedColumn(
  sources: Sources,
  window: Window,
  feature: string | null,
): Promise<ComparedColumn> {
  const { startMs, endMs, modelVersion, predictions } = window
  const task = { due: 'closed', startMs, endMs, dueMs: endMs } as const
  const held = heldIn(sources, task, { predictions, labels: 0, replaced: 0 })
  const view = viewOf(sources, { task, modelVersion, held, found: window })
  const known = await view.reference()
  if (known.state === 'unknown')
    throw new Problem('not-found', `there is nothing to compare with: ${known.reason}`)
  const { profile, prediction } = known.reference
  const column = feature === null ? prediction : profile.columns[feature]
  if (column === null || column === undefined)
    throw new Problem(
      'not-found',
      feature === null
        ? `it is not known how ${known.reference.modelVersion} answers its reference`
        : `the reference of ${modelVersion} has no column ${feature}`,
    )
  if (column.kind === 'other')
    throw new Problem('not-found', `${feature} is not compared: ${column.reason}`)
  const look = await view.look(known.reference).finally(held.close)
  const counts = (feature === null ? look.scores : look.inputs.get(feature)) ?? null
  return {
    feature,
    reference: {
      modelVersion: known.reference.modelVersion,
      rows: profile.rows,
      span: profile.time === null ? null : { fromMs: profile.time.fromMs, toMs: profile.time.toMs },
      column,
    },
    counts,
    noiseFloor: counts === null ? null : noiseFloorOf(column, counts),
  }
}
