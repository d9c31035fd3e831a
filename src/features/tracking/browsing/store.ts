import type { Experiment, Lifecycle } from '../experiment.ts'
import type { Place, Placed } from '../search.ts'
import type { SampledSeries, SeriesAsk } from './series.ts'
import type { RunColumn, RunQuery, RunRowSearch } from './scope.ts'
import type { SavedView } from './view.ts'

export interface ValueCount {
  readonly value: string | number
  readonly runs: number
}

/** Values from `from` up to `to`, which belongs to the next one but for the last. */
export interface MetricBin {
  readonly from: number
  readonly to: number
  readonly runs: number
}

/** Values of the columns that were asked for, in their order; null is missing. */
export interface RunRow {
  readonly runId: string
  readonly values: readonly (string | number | null)[]
}

export interface Rename {
  readonly experimentId: string
  readonly from: string
  readonly to: string
}

/** A folder of experiments, and how many there are in it at any depth. */
export interface Folder {
  readonly folder: string
  readonly experiments: number
}

export interface ListedExperiment {
  readonly experimentId: string
  readonly name: string
  readonly lifecycle: Lifecycle
  readonly createdMs: number
  readonly updatedMs: number
  readonly runs: number
}

export interface ExperimentPage {
  readonly folder: string
  readonly lifecycles: readonly Lifecycle[]
  /** Names after this one. */
  readonly after: string
  readonly limit: number
}

/** How browsers of runs ask: across experiments, only for what they show. */
export interface BrowsingReads {
  /** Identifiers in order; one more than the limit, if there is one. */
  browseRuns(search: Omit<RunRowSearch, 'columns'>): Promise<Placed<string>[]>
  /** In the order of the identifiers; only what the columns ask for is read. */
  runRows(runIds: readonly string[], columns: readonly RunColumn[]): Promise<RunRow[]>
  countRuns(query: RunQuery): Promise<number>

  /** The values of a column that is no metric, the most frequent first, and how many there are. */
  valueCounts(
    query: RunQuery,
    column: RunColumn,
    limit: number,
  ): Promise<{ values: ValueCount[]; distinct: number; runs: number }>
  /** Undefined when no run has the metric. */
  metricRange(
    query: RunQuery,
    key: string,
  ): Promise<{ min: number; max: number; runs: number; nan: number } | undefined>
  metricBins(
    query: RunQuery,
    key: string,
    range: { min: number; max: number; bins: number },
  ): Promise<MetricBin[]>
  /** The keys that runs have, the most frequent first; one more than the limit, if there is one. */
  keyCounts(
    query: RunQuery,
    page: { of: 'metric' | 'param' | 'tag'; search: string; limit: number },
  ): Promise<{ key: string; runs: number }[]>

  /** What each run names as its parent, whether that is there or not. */
  parentsOf(runIds: readonly string[]): Promise<Map<string, string>>
  /** The children of each of the runs by their start, at most `limit` + 1 of each. */
  childrenOf(
    runIds: readonly string[],
    page: { limit: number; lifecycles: readonly Lifecycle[]; after?: Place | undefined },
  ): Promise<Map<string, Placed<string>[]>>
  childCounts(
    runIds: readonly string[],
    lifecycles: readonly Lifecycle[],
  ): Promise<Map<string, number>>

  series(ask: SeriesAsk): Promise<SampledSeries[]>

  /** Folders directly in a folder, by name; one more than the limit, if there is one. */
  folders(page: ExperimentPage): Promise<Folder[]>
  /** Experiments directly in a folder, by name; one more than the limit, if there is one. */
  experimentsIn(page: ExperimentPage): Promise<ListedExperiment[]>
  /** Experiments anywhere in a folder whose names hold the text, whatever its case; by name. */
  experimentsNamed(page: ExperimentPage & { search: string }): Promise<ListedExperiment[]>
  /** The experiment of that name and all in the folder of that name, deleted ones too. */
  experimentsAt(path: string): Promise<Experiment[]>
  /** Those of the names that are taken. */
  takenNames(names: readonly string[]): Promise<string[]>

  findView(viewId: string): Promise<SavedView | undefined>
  /** The views that a person sees: shared ones and their own, by name. One more than the limit, if there is one. */
  listViews(page: {
    owner: string
    after: Place | undefined
    limit: number
  }): Promise<Placed<SavedView>[]>
}

export interface BrowsingWrites extends BrowsingReads {
  insertView(view: SavedView): Promise<void>
  saveView(view: SavedView): Promise<void>
  deleteView(viewId: string): Promise<void>
  renameExperiments(
    renames: readonly { experimentId: string; name: string }[],
    updatedMs: number,
  ): Promise<void>
}
