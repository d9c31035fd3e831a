import type { RequestState, RunRequest } from './request.ts'

export interface RequestPage {
  readonly limit: number
  /** The last id of the page before. */
  readonly before?: string
  readonly project?: string
  readonly branch?: string
  readonly state?: RequestState
  readonly cause?: string
}

export interface RequestReads {
  find(id: string): Promise<RunRequest | undefined>
  /** Newest first. */
  list(page: RequestPage): Promise<RunRequest[]>
  /** All that are queued, running or waiting, in the order in which they were asked for. */
  open(): Promise<RunRequest[]>
}

export interface RequestWrites extends RequestReads {
  save(request: RunRequest): Promise<void>
}
