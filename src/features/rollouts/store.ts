import type { Rollout } from './rollout.ts'

export interface RolloutReads {
  find(id: string): Promise<Rollout | undefined>
  /** The newest of an endpoint. */
  newest(endpoint: string): Promise<Rollout | undefined>
  /** Of an endpoint, newest first. */
  list(endpoint: string, page: { before?: string; limit: number }): Promise<Rollout[]>
  /** All that run or are paused. */
  open(): Promise<Rollout[]>
}

export interface RolloutWrites extends RolloutReads {
  save(rollout: Rollout): Promise<void>
}
