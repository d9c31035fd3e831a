export {
  endpointRef,
  revisionRef,
  type Declaration,
  type Endpoint,
  type Revision,
  type Role,
} from './endpoint.ts'
export type {
  FoundPrediction,
  Logged,
  LoggedRevision,
  NewAnswer,
  NewBatch,
  NewPrediction,
  OpenSegment,
  PeriodSummary,
  PredictionLog,
  PredictionQueries,
  PredictionRow,
  RecordedBatch,
  SegmentSealing,
  Truth,
  TruthsRecorded,
  WindowQuery,
  WrittenSegment,
} from './log.ts'
export type { ColumnType, ModelSource, ServableModel, SignatureColumn } from './model-source.ts'
export type { HeldModel, InferOptions, Runtime, ServingProcess } from './runtime.ts'
export type { SegmentFiles, SegmentFilter, SegmentRow, TruthRow } from './segment-files.ts'
export type { SealedSegment, SegmentKind, ServingReads, ServingWrites } from './store.ts'
export * from './tensor.ts'
export { rollOuts, servingHandlers } from './background.ts'
export { instantMs } from './event.ts'
export { servableOf, versionName } from './model-source.ts'
export type { PredictionRequest } from './asked.ts'
export { predictionId, type PredictionAnswer } from './predict.ts'
export type { RollOut } from './rollout.ts'
export type { Row } from './scoring.ts'
export { createServing, TRUTHS_MAX, type Serving } from './serving.ts'
export type { Traffic } from './traffic.ts'
