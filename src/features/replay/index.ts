export type { Kind } from './outcome.ts'
export type { Replay, ReplayOptions, ReplayOutcome, ReplayResult, Spread } from './replay.ts'
export { createReplays, REPLAY_ROWS_MAX, type ReplayRequest, type Replays } from './replays.ts'
export type { ReplayReads, ReplayWrites } from './store.ts'
