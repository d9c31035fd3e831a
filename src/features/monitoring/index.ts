export { FINDING_TYPES, type Alert, type AlertKind, type Condition } from './alerts/findings.ts'
export type { Severity } from './alerts/severity.ts'
export { endAlerts } from './alerts/ending.ts'
export { createMonitoring, type Monitoring, type MonitoringDependencies } from './monitoring.ts'
export { persists, type Persistence } from './alerts/persistence.ts'
export type { KnownReference } from './references/reference.ts'
export type { Reference } from './store.ts'
export type { EstimateVerdict, KeptEstimator } from './parts/estimate-verdict.ts'
export type { Backtest } from './backtest/backtest.ts'
export type { Since } from './backtest/sources.ts'
export type { AlertPair } from './backtest/pairs.ts'
export type { ComparedColumn } from './references/compared.ts'
export { stepChanges, type StepRun } from './alerts/steps.ts'
export type { Cause, Causes, CauseSpan, Happening, Happenings } from './alerts/causes.ts'
export type { SlicesVerdict } from './parts/slices-verdict.ts'
export {
  classOf,
  scoreOf,
  type AskRows,
  type KnownData,
  type NamedData,
  type NamedTable,
  type Profiler,
  type RowAnswer,
  type SampledRow,
  type SampledValue,
  type Score,
  type TrainedOn,
  type TrainingData,
} from './sources.ts'
export type { KnownContract, LiveContracts } from './contract/contract.ts'
export { liveRules } from './contract/held.ts'
export { done, type WorkInput, type WorkName, type WorkResult } from './work/works.ts'
export { workshopHere, type Workbench, type Workshop } from './work/workshop.ts'
export { driftHistory, type History } from './spans/history.ts'
export type { Look } from './spans/look.ts'
export { referenceOfSpan } from './spans/reference.ts'
export type { AlertPage, MonitoringReads, MonitoringWrites, WindowPage } from './store.ts'
export type { Holding, Part, View } from './parts/part.ts'
export type {
  Counted,
  Due,
  KnownWindow,
  Progress,
  Verdicts,
  Window,
  WindowDrift,
} from './windows/window.ts'
export { rolesIn } from './parts/performance.ts'
export type { ServiceVerdict } from './service/verdict.ts'
export { reportOf, type Report } from './report.ts'
export { monitorProblems } from './references/promises.ts'
export { keptWindow } from './kept.ts'
