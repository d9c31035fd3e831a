export type { RemovedStage, StageFiles } from './remove.ts'
export {
  differences,
  flattened,
  metricsIn,
  paramsIn,
  type Difference,
  type FileFigures,
  type Figures,
} from './figures.ts'
export {
  isList,
  isMap,
  isTimestamp,
  plainParam,
  sameParam,
  type ParamKey,
  type ParamMap,
  type ParamValue,
  type PlainValue,
  type Timestamp,
} from './param.ts'
export {
  createPipelines,
  type Pipelines,
  type PipelinesGround,
  type PlannedStep,
  type StageStatus,
} from './pipelines.ts'
export type { Checks, StageChecks, Verdict } from './running/verdict.ts'
export type { Part, StageParts } from './parts/parts.ts'
export type {
  Bench,
  DonePart,
  PartsKeeping,
  PartsLedger,
  Workshop,
  WrittenFile,
} from './parts/keeping.ts'
export { type EnvironmentRecord, type RunRecorder, type StageOutcome } from './recorder.ts'
export type { Pin, Pinned } from './running/pinned.ts'
export type { Machine, Resources } from './running/room.ts'
export type {
  ReproEvent,
  ReproOptions,
  ReproResult,
  StepAction,
  StepResult,
} from './running/repro-run.ts'
export {
  type LockedPath,
  type Retries,
  type Stage,
  type StageApproval,
  type StageDep,
  type StageLock,
  type StageOut,
  type StageParams,
} from './stage.ts'
export { drawnGraph, groupsOf, type Needs } from './graph/drawing.ts'
export { explained } from './explain.ts'
export { inWords, type Change, type Reason } from './staleness.ts'
export {
  type Finding,
  type Seen,
  type Sight,
  type Sighting,
  type SightReport,
} from './running/sight.ts'
export type { HermeticWish, Watch, WatchWish } from './hermetic-wish.ts'
export type {
  Aside,
  Enclosure,
  Enclosures,
  Environments,
  Execution,
  ExecutionStep,
  Executor,
  FileProblem,
  LoadedPipelines,
  OutsAside,
  PipelineFiles,
  PreparedEnvironment,
  RunCache,
} from './store.ts'
export type { Declared, DeclaredPlot, ProjectView } from './views.ts'
export type { TestCase, TestReports } from './running/test-report.ts'
export { graphOf } from './graph/graph.ts'
export { pipelineMap } from './graph/map.ts'
export {
  combinationsOf,
  edited,
  editsBy,
  overridesOf,
  type Override,
  type ParamEdit,
} from './overrides/overrides.ts'
export { pathsShown } from './plots/shown.ts'
export {
  isImage,
  plotsIn,
  type ImagePlot,
  type Plot,
  type PlotFault,
  type SeriesPlot,
} from './plots/plots.ts'
export { plotShape, type Bar, type PlotLine, type PlotShape, type Tally } from './plots/shape.ts'
export type { RecordedFile, StagePlots } from './plots/recorded.ts'
export { type Display } from './plots/definitions.ts'
export { cellText, type PlotAxes, type Point } from './plots/points.ts'
export { lockToken } from './running/finish.ts'
