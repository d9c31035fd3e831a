export {
  endpointRef,
  revisionRef,
  type Answering,
  type Declaration,
  type Delivery,
  type Endpoint,
} from './endpoint.ts'
export { PROFILED_ELEMENTS_MAX, type HourProfile } from './hour-profile.ts'
export type {
  ArrivalQueries,
  ArrivalQuery,
  FoundPrediction,
  OpenSegment,
  PeriodSummary,
  PredictionLog,
  NewestQueries,
  PredictionQueries,
  PredictionRow,
  RewardQueries,
  Rewards,
  SegmentSealing,
  Told,
  ToldBatch,
  ToldProfile,
  ToldRecorded,
  Truth,
  TruthsRecorded,
  WindowQuery,
  WrittenSegment,
} from './log.ts'
export type {
  NumberedBatch,
  SegmentFiles,
  SegmentFilter,
  SegmentRow,
  TruthRow,
} from './segment-files.ts'
export type {
  RevisionWeight,
  SealedSegment,
  SegmentKind,
  ServingReads,
  ServingWrites,
} from './store.ts'
export { rollOuts, servingHandlers } from './background.ts'
export type { Gradual, RollOut } from './rollout.ts'
export { TOLD_MAX, type ToldPrediction, type ToldPredictions } from './told.ts'
export type { ProfileTold } from './told-profiles.ts'
export { createServing, TRUTHS_MAX, type Serving } from './serving.ts'
