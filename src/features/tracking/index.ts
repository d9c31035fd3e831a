export { createTracking, type Tracking } from './tracking.ts'
export type { Experiment, KeyValue, Lifecycle } from './experiment.ts'
export type { Experiments, NewExperiment } from './experiments.ts'
export { type Run, type RunBatch, type RunRecord, type RunStatus } from './run.ts'
export type { NewRun, RunChange, Runs } from './runs.ts'
export type { RunLog } from './run-log.ts'
export { newestOfEachKey, sampledRanks, type Metric } from './metric.ts'
export {
  CONTEXT_TAG,
  type Dataset,
  type DatasetInput,
  type DatasetUse,
  type ModelOutput,
} from './input.ts'
export {
  MODEL_VERSIONS_TAG,
  type LoggedModel,
  type LoggedModelRecord,
  type LoggedModelStatus,
  type ModelMetric,
} from './logged-model.ts'
export type { LoggedModels, NewLoggedModel } from './logged-models.ts'
export {
  joinUri,
  pathOfUri,
  treeDigest,
  type ArtifactEntry,
  type ArtifactFile,
} from './artifact.ts'
export type { ArtifactFolder, FolderFile } from './artifact-folder.ts'
export type { Artifacts, DirectArtifacts } from './artifacts.ts'
export type { OutsideAddress, OutsideFile, OutsideFiles } from './outside.ts'
export type { GivenSeries, Intake } from './intake.ts'
export type { ExperimentTaken, GivenExperiment } from './intake-experiment.ts'
export type { GivenLoggedModel, GivenRun, Taken } from './intake-run.ts'
export type { IntakeReads, IntakeWrites, LoggedCounts, Mark, MarkKind } from './intake-store.ts'
export { checkedKey } from './names.ts'
export { brief, runRef } from './facts.ts'
export {
  pageOf,
  type Comparator,
  type Condition,
  type ExperimentField,
  type LoggedModelField,
  type Order,
  type Page,
  type Place,
  type Placed,
  type RunField,
  type Search,
  type Tagged,
} from './search.ts'
export {
  parseExperimentFilter,
  parseExperimentOrder,
  parseLoggedModelFilter,
  parseLoggedModelOrder,
  parseRunFilter,
  parseRunOrder,
  type ExperimentFilter,
  type LoggedModelFilter,
  type RunFilter,
} from './filter/index.ts'
export {
  LIST,
  numberAttribute,
  parseFilter,
  parseOrder,
  TEXT,
  textAttribute,
  wholeAttribute,
  type Term,
  type Vocabulary,
} from './filter/vocabulary.ts'
export { clausesIn, orderIn, type Clause } from './filter/clauses.ts'
export type {
  ExperimentSearch,
  HistoryPage,
  LoggedModelSearch,
  MetricSample,
  RunSearch,
  TrackingReads,
  TrackingWrites,
} from './store.ts'
export { createBrowsing, type Browsing, type KeyPage } from './browsing/browsing.ts'
export type { Facet } from './browsing/facets.ts'
export type { FolderListing, Folders } from './browsing/folders.ts'
export {
  namesIn,
  PARENT_TAG,
  parseRunColumn,
  printRunColumn,
  RUN_ATTRIBUTES,
  type RunAttribute,
  type RunColumn,
  type RunQuery,
  type RunRowSearch,
  type RunScope,
} from './browsing/scope.ts'
export type { SampledSeries, SeriesAsk, SeriesPoint } from './browsing/series.ts'
export type {
  BrowsingReads,
  BrowsingWrites,
  ExperimentPage,
  Folder,
  ListedExperiment,
  MetricBin,
  Rename,
  RunRow,
  ValueCount,
} from './browsing/store.ts'
export type { RunTree, TreeNode } from './browsing/tree.ts'
export type { SavedView, ViewContent } from './browsing/view.ts'
export type { Views } from './browsing/views.ts'
