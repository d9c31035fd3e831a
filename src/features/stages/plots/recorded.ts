import type { Stage } from '../stage.ts'

/** A file that is kept with a stage's run. */
export interface RecordedFile {
  /** Relative to the run's own files. */
  readonly path: string
  readonly bytes: Uint8Array
}

/** What the plots of a stage are, right after it ran: its own files, and one that says how they are drawn. */
export interface StagePlots {
  /** Nothing where it has no plots. Throws a `Problem` where they cannot be read. */
  of(stage: Stage): Promise<readonly RecordedFile[]>
}
