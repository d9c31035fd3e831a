/** What a stage of a pipeline run printed. */
export interface LogPlace {
  readonly pipelineRun: string
  readonly stage: string
}

export interface LogPage {
  readonly text: string
  /** Where the text begins, in bytes; later than asked for where what lies before was dropped. */
  readonly from: number
  /** Where the next page begins. */
  readonly next: number
  /** Bytes that were said so far, whatever is still kept of them. */
  readonly size: number
}

/** Keeps what stages print while they run, of each the beginning and the end when it is much. */
export interface StageLogs {
  /** Adds what was said from byte `from` on; told again, it is there once. */
  append(place: LogPlace, from: number, text: string): Promise<void>
  /** From byte `from` on, at most `limit` bytes of whole characters. */
  read(place: LogPlace, page: { from: number; limit: number }): Promise<LogPage>
  /** Calls back after each addition; gives the way to stop that. */
  onGrowth(place: LogPlace, listener: () => void): () => void
}
