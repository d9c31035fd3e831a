import { createDatasets, type Datasets, type EvaluationDependencies } from './datasets.ts'
import { createScorers, type Scorers } from './scorers.ts'

export { parseDatasetFilter, parseDatasetOrder } from './filter.ts'
export {
  isFields,
  SOURCE_TYPES,
  type EvaluationDataset,
  type EvaluationRecord,
  type Fields,
  type GivenRecord,
  type RecordSource,
} from './dataset.ts'
export type { DatasetField, EvaluationReads, EvaluationWrites } from './store.ts'
export type { ScorerVersion } from './scorer.ts'

/** How applications of models are judged: datasets of questions, and scorers of answers. */
export interface Evaluation {
  readonly datasets: Datasets
  readonly scorers: Scorers
}

export function createEvaluation(dependencies: EvaluationDependencies): Evaluation {
  return { datasets: createDatasets(dependencies), scorers: createScorers(dependencies) }
}
