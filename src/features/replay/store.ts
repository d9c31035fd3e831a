import type { Replay } from './replay.ts'

export interface ReplayReads {
  find(id: string): Promise<Replay | undefined>
  /** Newest first. */
  list(page: { limit: number; before?: string; endpoint?: string }): Promise<Replay[]>
}

export interface ReplayWrites extends ReplayReads {
  save(replay: Replay): Promise<void>
}
