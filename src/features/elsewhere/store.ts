import type {
  EventNote,
  Home,
  OutsideDataset,
  OutsideJob,
  OutsideRun,
  RunState,
  Use,
} from './run.ts'

export interface Page {
  readonly limit: number
  /** `place` of the last one of the page before. */
  readonly before?: string
}

/** The newest come first in every list: those that were first heard of last. */
export interface OutsideReads {
  run(id: string): Promise<OutsideRun | undefined>
  runs(page: Page & { state?: RunState; job?: string }): Promise<OutsideRun[]>
  job(key: string): Promise<OutsideJob | undefined>
  jobs(page: Page & { namespace?: string }): Promise<OutsideJob[]>
  dataset(key: string): Promise<OutsideDataset | undefined>
  datasets(page: Page & { namespace?: string }): Promise<OutsideDataset[]>
  usesIn(run: string): Promise<Use[]>
  /** Of a dataset, the newest first. */
  usesOf(dataset: string, limit: number): Promise<Use[]>
  /** What was written to data of ours and is in no version of it yet, the newest first. */
  untracked(home: Home): Promise<Use[]>
  hasEvent(digest: string): Promise<boolean>
  /** In the order of their times. */
  events(run: string, limit: number): Promise<EventNote[]>
}

export interface OutsideWrites extends OutsideReads {
  saveRun(run: OutsideRun): Promise<void>
  saveJob(job: OutsideJob): Promise<void>
  saveDataset(dataset: OutsideDataset): Promise<void>
  saveUse(use: Use): Promise<void>
  /** `run` is null for an event about no run. */
  addEvent(
    event: Omit<EventNote, 'run' | 'change'> & { run: string | null; change: string },
  ): Promise<void>
}
