export { driftOf, type ComparedFeature, type DriftVerdict, type FeatureVerdict } from './drift.ts'
export type { Calibration, MeasuredPerformance, PerformanceVerdict } from './performance.ts'
export { type Alert, type AlertKind } from './findings.ts'
export { createMonitoring, type Monitoring, type MonitoringDependencies } from './monitoring.ts'
export { persists, type Persistence } from './persistence.ts'
export {
  BIN_COUNT,
  CATEGORIES_MAX,
  countsOf,
  emptyCounts,
  numericProfileOf,
  plus,
  spreadOf,
  type CategoricalProfile,
  type ColumnProfile,
  type DataFile,
  type Counts,
  type NumericProfile,
  type Profile,
  type ProfileRequest,
  type ProfileTime,
  type Spread,
  type Value,
} from './profile.ts'
export {
  aucOf,
  compareAucs,
  type Auc,
  type AucComparison,
  type Label,
} from './statistics/ranking.ts'
export type { KnownReference } from './reference.ts'
export type { Reference } from './store.ts'
export {
  classOf,
  scoreOf,
  type Profiler,
  type SampledRow,
  type Score,
  type TrainedOn,
  type TrainingData,
} from './sources.ts'
export type { AlertPage, MonitoringReads, MonitoringWrites, WindowPage } from './store.ts'
export type { Progress, Window, WindowDrift } from './window.ts'
