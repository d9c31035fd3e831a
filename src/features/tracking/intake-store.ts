import type { ModelMetric } from './logged-model.ts'

export type MarkKind = 'experiment' | 'run' | 'logged-model' | 'registered-model'

/** How far a thing of another store has been taken in. */
export interface Mark {
  readonly kind: MarkKind
  /** As the other store calls it. */
  readonly id: string
  /** What it is called here; the same unless that was taken. */
  readonly ownId: string
  /** Of all of it when it was last taken in whole; empty before that. */
  readonly digest: string
}

export interface LoggedCounts {
  readonly runId: string
  /** Points by key of the metric; one that came again may count twice. */
  readonly points: Readonly<Record<string, number>>
  readonly params: number
  readonly tags: number
}

/** What is kept of imports, so that one can go on where another was cut off. */
export interface IntakeReads {
  /** Those that are known; `source` is where they were read. */
  marks(source: string, kind: MarkKind, ids: readonly string[]): Promise<Mark[]>
  /** In the order of the identifiers; unknown runs are left out. */
  loggedCounts(runIds: readonly string[]): Promise<LoggedCounts[]>
  /** Whether no run and no logged model is in it, deleted ones neither. */
  isEmptyExperiment(experimentId: string): Promise<boolean>
}

export interface IntakeWrites extends IntakeReads {
  saveMarks(source: string, marks: readonly Mark[], atMs: number): Promise<void>
  /** Measurements of logged models alone; those that are there already are kept once. */
  addModelMetrics(metrics: readonly ModelMetric[]): Promise<void>
}
