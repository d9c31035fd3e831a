import type { Placed, Search, Tagged } from '#tracking'
import type { EvaluationDataset, EvaluationRecord } from './dataset.ts'
import type { ScorerVersion } from './scorer.ts'

export type DatasetField =
  | Tagged
  | {
      readonly of: 'attribute'
      readonly name: 'name' | 'createdMs' | 'updatedMs' | 'createdBy' | 'updatedBy'
    }

export interface DatasetSearch extends Search<DatasetField> {
  /** Only datasets of one of these; all when there is none. */
  readonly experimentIds: readonly string[]
}

export interface EvaluationReads {
  findDataset(datasetId: string): Promise<EvaluationDataset | undefined>
  /** The newest first unless another order is asked for; one more than the limit, if there is one. */
  searchDatasets(search: DatasetSearch): Promise<Placed<EvaluationDataset>[]>
  /** In the order in which they were added; `after` is the last one of the page before. */
  records(page: {
    datasetId: string
    limit: number
    after?: { createdMs: number; recordId: string } | undefined
  }): Promise<EvaluationRecord[]>
  findRecords(datasetId: string, inputHashes: readonly string[]): Promise<EvaluationRecord[]>
  countRecords(datasetId: string): Promise<number>
  /** The newest version of each scorer of the experiments, by experiment and name. */
  newestScorers(experimentIds: readonly string[] | 'all'): Promise<ScorerVersion[]>
  /** All versions, oldest first. */
  scorerVersions(experimentId: string, name: string): Promise<ScorerVersion[]>
}

export interface EvaluationWrites extends EvaluationReads {
  /** Keeps all of a dataset but its records. */
  saveDataset(dataset: EvaluationDataset): Promise<void>
  /** Removes it with its records. */
  deleteDataset(datasetId: string): Promise<void>
  saveRecords(records: readonly EvaluationRecord[]): Promise<void>
  /** Gives how many there were. */
  deleteRecords(datasetId: string, recordIds: readonly string[]): Promise<number>
  insertScorer(scorer: ScorerVersion): Promise<void>
  deleteScorer(experimentId: string, name: string, version?: number): Promise<void>
}
