export { fairnessAgain, performanceAgain } from './again.ts'
export { answersOf } from './answers.ts'
export { comparePerformance } from './compare.ts'
export { betterOf, MAIN, metricOf, type Better } from './catalogue.ts'
export {
  fairnessOf,
  FAIRNESS_METRICS,
  type FairColumn,
  type FairGroup,
  type FairnessVerdict,
} from './fairness.ts'
export type { GroupBy } from './groups.ts'
export { taskOf, type InferredTask } from './infer.ts'
export { nothing as noKpi, worthOf, type Kpi, type Outcomes } from './kpis.ts'
export { keptPerformance } from './kept.ts'
export { boundsIn, judgedLimit, type Breach, type JudgedLimit, type Limit } from './limits.ts'
export { classOf, scoreOf } from './outputs.ts'
export {
  performanceOf,
  type Confusion,
  type MeasuredPerformance,
  type PerformanceSettings,
  type PerformanceVerdict,
  type SlicedPerformance,
} from './performance.ts'
export type { AnsweredRow, Answers, Metric, Metrics, Roles, Task } from './tasks.ts'
export { limitProblems } from './promised.ts'
export type { ClassificationEstimator, Estimate } from './estimated/cbpe.ts'
export { estimate, fitEstimator, realised, type Estimator } from './estimated/estimator.ts'
export { type Cell as SliceCell } from './slices/columns.ts'
export { findSlices, SEARCH, type Slice } from './slices/find.ts'
