import type { PredictionRow } from '#serving'
import { done, type WorkInput, type WorkName, type WorkResult } from './works.ts'

/** Where arithmetic over many rows is done: away from whoever answers requests, if there is such a place. */
export interface Workshop {
  /** Takes rows in, which are kept until they are let go of. */
  take(rows: readonly PredictionRow[]): Promise<Workbench>
}

export interface Workbench {
  do<Name extends WorkName>(name: Name, input: WorkInput<Name>): Promise<WorkResult<Name>>
  close(): void
}

/** Does all work at once, in the caller's own thread. */
export const workshopHere: Workshop = {
  take: async (rows) => ({
    do: async (name, input) => done(name, rows, input),
    close: () => undefined,
  }),
}
