import { sha256 } from '#base/digest'
import type { Fact } from '#ledger'
import type { EvaluationDataset } from './dataset.ts'
import type { ScorerVersion } from './scorer.ts'

export function datasetCreated({ datasetId, name, experimentIds }: EvaluationDataset): Fact {
  return {
    type: 'evaluation-dataset-created',
    data: { dataset: datasetId, name, experiments: briefList(experimentIds) },
  }
}

export function datasetDeleted({ datasetId, name, digest }: EvaluationDataset): Fact {
  return { type: 'evaluation-dataset-deleted', data: { dataset: datasetId, name, digest } }
}

/** Its records are no facts; their number and the digest of the dataset are. */
export function recordsMerged(
  { datasetId, name, digest }: EvaluationDataset,
  counts: { inserted: number; updated: number },
): Fact {
  return {
    type: 'evaluation-records-merged',
    data: { dataset: datasetId, name, digest, ...counts },
  }
}

export function recordsDeleted({ datasetId, name }: EvaluationDataset, deleted: number): Fact {
  return { type: 'evaluation-records-deleted', data: { dataset: datasetId, name, deleted } }
}

export function datasetTagged(
  { datasetId, name }: EvaluationDataset,
  keys: readonly string[],
): Fact {
  return {
    type: 'evaluation-dataset-tagged',
    data: { dataset: datasetId, name, keys: briefList(keys) },
  }
}

export function datasetMoved({ datasetId, name, experimentIds }: EvaluationDataset): Fact {
  return {
    type: 'evaluation-dataset-moved',
    data: { dataset: datasetId, name, experiments: briefList(experimentIds) },
  }
}

export function scorerRegistered(scorer: ScorerVersion): Fact {
  const { experimentId, name, version, serialized } = scorer
  return {
    type: 'scorer-registered',
    data: { experiment: experimentId, scorer: name, version, sha256: sha256(serialized) },
  }
}

/** `version` is null when all went. */
export function scorerDeleted(experimentId: string, name: string, version: number | null): Fact {
  return { type: 'scorer-deleted', data: { experiment: experimentId, scorer: name, version } }
}

/** An entry of the ledger is small. */
function briefList(given: readonly string[]) {
  const texts = given.map((text) => text.toWellFormed())
  return texts.length <= 100 ? texts : { sha256: sha256(texts.join('\n')), count: texts.length }
}
