import type { ArtifactFile } from './artifact.ts'
import type { Experiment, KeyValue, Lifecycle } from './experiment.ts'
import type { DatasetInput, DatasetUse, ModelOutput } from './input.ts'
import type { IntakeReads, IntakeWrites } from './intake-store.ts'
import type { LoggedModel, LoggedModelRecord } from './logged-model.ts'
import type { Metric } from './metric.ts'
import type { Run, RunRecord } from './run.ts'
import type {
  ExperimentField,
  LoggedModelField,
  Place,
  Placed,
  RunField,
  Search,
} from './search.ts'

export interface ExperimentSearch extends Search<ExperimentField> {
  readonly lifecycles: readonly Lifecycle[]
}

export interface RunSearch extends Search<RunField> {
  readonly experimentIds: readonly string[]
  readonly lifecycles: readonly Lifecycle[]
}

export interface LoggedModelSearch extends Search<LoggedModelField> {
  readonly experimentIds: readonly string[]
  /** Only models measured on one of these. */
  readonly datasets: readonly { readonly name: string; readonly digest?: string }[]
}

export interface HistoryPage {
  readonly key: string
  readonly limit: number
  readonly after?: Place | undefined
}

/** Which points of a metric a chart wants. */
export interface MetricSample {
  readonly key: string
  readonly most: number
  /** Only points of these steps, both ends included. */
  readonly steps?: { readonly first: number; readonly last: number }
}

/** What is kept of experiments, runs, logged models and their files. */
export interface TrackingReads extends IntakeReads {
  findExperiment(experimentId: string): Promise<Experiment | undefined>
  /** Names are unique among active and deleted experiments. */
  findExperimentByName(name: string): Promise<Experiment | undefined>
  /** One row more than the limit, if there is one. */
  searchExperiments(search: ExperimentSearch): Promise<Placed<Experiment>[]>

  findRun(runId: string): Promise<Run | undefined>
  /** In the order of the identifiers; unknown ones are left out. */
  runRecords(runIds: readonly string[]): Promise<RunRecord[]>
  /** Identifiers; one more than the limit, if there is one. */
  searchRuns(search: RunSearch): Promise<Placed<string>[]>
  params(runId: string): Promise<KeyValue[]>
  newestMetrics(runId: string): Promise<Metric[]>
  /** Every point of a metric by time, step and value; one more than the limit, if there is one. */
  metricHistory(runId: string, page: HistoryPage): Promise<Placed<Metric>[]>
  /** Points by step, time and value, at the ranks that `sampledRanks` names. */
  sampleMetric(runId: string, sample: MetricSample): Promise<Metric[]>
  /** Each dataset that runs of the experiments used, once for each thing it was used for. */
  datasetUses(experimentIds: readonly string[], limit: number): Promise<DatasetUse[]>

  findLoggedModel(modelId: string): Promise<LoggedModel | undefined>
  /** In the order of the identifiers; unknown ones are left out. */
  loggedModelRecords(modelIds: readonly string[]): Promise<LoggedModelRecord[]>
  /** Identifiers of models that are not deleted; one more than the limit, if there is one. */
  searchLoggedModels(search: LoggedModelSearch): Promise<Placed<string>[]>

  findFile(path: string): Promise<ArtifactFile | undefined>
  /** Every file at any depth below a folder; the empty folder is the root. */
  filesBelow(folder: string): Promise<ArtifactFile[]>
}

export interface TrackingWrites extends TrackingReads, IntakeWrites {
  /** Keeps an experiment under the next free number, or under the one given. */
  insertExperiment(
    experiment: Omit<Experiment, 'experimentId'> & { experimentId?: string },
  ): Promise<Experiment>
  /** Keeps all but the tags. */
  saveExperiment(experiment: Experiment): Promise<void>
  setExperimentTags(experimentId: string, tags: readonly KeyValue[]): Promise<void>
  deleteExperimentTag(experimentId: string, key: string): Promise<boolean>
  setRunLifecycles(experimentId: string, lifecycle: Lifecycle): Promise<void>

  insertRun(run: Run): Promise<void>
  saveRun(run: Run): Promise<void>
  /** A point that is there already is kept once. */
  appendMetrics(run: Run, metrics: readonly Metric[]): Promise<void>
  insertParams(runId: string, params: readonly KeyValue[]): Promise<void>
  setRunTags(runId: string, tags: readonly KeyValue[]): Promise<void>
  deleteRunTag(runId: string, key: string): Promise<boolean>
  /** Repeated inputs are kept once, with the tags they had first. */
  addDatasets(run: Run, datasets: readonly DatasetInput[]): Promise<void>
  addModelInputs(runId: string, modelIds: readonly string[]): Promise<void>
  addModelOutputs(runId: string, outputs: readonly ModelOutput[]): Promise<void>

  insertLoggedModel(model: LoggedModel): Promise<void>
  saveLoggedModel(model: LoggedModel): Promise<void>
  setLoggedModelParams(modelId: string, params: readonly KeyValue[]): Promise<void>
  setLoggedModelTags(modelId: string, tags: readonly KeyValue[]): Promise<void>
  deleteLoggedModelTag(modelId: string, key: string): Promise<boolean>

  /** Takes the place of a file that stood at the path. */
  putFile(file: ArtifactFile & { atMs: number }): Promise<void>
  /** Removes the file at the path and all files below it; gives how many there were. */
  deleteFiles(path: string): Promise<number>
}
