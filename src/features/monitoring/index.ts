export type { Alert, AlertKind, Condition, Severity } from './findings.ts'
export { keptWindow } from './kept.ts'
export { createMonitoring, type Monitoring, type MonitoringDependencies } from './monitoring.ts'
export { monitorProblems } from './promises.ts'
export { persists, type Persistence } from './persistence.ts'
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
export type { Holding, Part, View } from './part.ts'
export type { Due, Progress, Verdicts, Window, WindowDrift } from './window.ts'
