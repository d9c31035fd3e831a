export { predictionId, type PredictionAnswer } from './answer.ts'
export type { Pin, PredictionRequest } from './request.ts'
export {
  checkClassifier,
  checkRegression,
  classesOf,
  regressionOf,
  type ScoredClass,
} from './classes.ts'
export { instantMs, keyOf } from './rows/event.ts'
export { redacted } from './log-policy.ts'
export type { Caller } from './routing/quota.ts'
export { answerHeaders, contextIn, headerIn, headerText, type Context } from './routing/headers.ts'
export type {
  Described,
  Inference,
  Repository,
  RepositoryEntry,
  Standing,
  State,
  Statistics,
  Tally,
} from './inference.ts'
export {
  ROWS_PER_BATCH_MAX,
  type BatchOutline,
  type Feedback,
  type FeedbackJournal,
  type Ingested,
  type Journal,
  type JournalEntries,
  type JournalPosition,
  type JournalSource,
  type Logged,
  type LoggedRevision,
  type NewAnswer,
  type LoggedBatch,
  type NewBatch,
  type NewPrediction,
  type Floats,
  type MatrixBatch,
  type NumericBatch,
  type RecordedBatch,
} from './journal.ts'
export { meantEndpoint } from './meant.ts'
export {
  aliasIn,
  servableOf,
  versionName,
  type ColumnType,
  type Labels,
  type ModelSource,
  type ServableModel,
  type SignatureColumn,
} from './model-source.ts'
export { inputOfNamed, type Takes } from './named.ts'
export { nestedOf, RANK_MAX, tensorOfNested } from './rows/nested.ts'
export type { Histogram } from './meters/histogram.ts'
export type { Measured } from './meters/meters.ts'
export type { Recent } from './meters/recent.ts'
export {
  createPlane,
  type LoadedRevision,
  type LocalPlane,
  type Plane,
  type PlaneDependencies,
} from './plane.ts'
export { sampleOf, type Sample } from './sample.ts'
export { readInput, type ReadInput } from './reading.ts'
export type { Revision, Role } from './revision.ts'
export { latencyBin, latencyEdgeMs, type Pulse, type RevisionPulse } from './meters/pulse.ts'
export * from './routing/routing.ts'
export {
  inForm,
  type HeldModel,
  type ModelRun,
  type InferOptions,
  type OutputForm,
  type Outputs,
  type PlacedFiles,
  type PythonSettings,
  type Runtime,
  type ServingProcess,
} from './runtime.ts'
export type { Row } from './scoring.ts'
export type { EndpointTable, Placed, PlacedRevision } from './table.ts'
export type { MemoryBudget } from './models/eviction.ts'
export {
  changedSettings,
  PINNED,
  settingsOf,
  type EndpointSettings,
  type SettingsChange,
} from './settings.ts'
export * from './tensor.ts'
export type { Traffic } from './routing/traffic.ts'
