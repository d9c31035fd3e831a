import { Problem } from '#base/problem'
import type { ExperimentField, LoggedModelField, RunField } from '../search.ts'
import {
  LIST,
  NUMBER,
  numberAttribute,
  wholeAttribute,
  PRESENCE,
  TEXT,
  textAttribute,
  type Term,
  type Vocabulary,
} from './vocabulary.ts'

/** The names of a run search. */
export const runTerms: Vocabulary<RunField> = (entity, key) => {
  switch (entity) {
    case 'metric':
    case 'metrics':
      return { field: { of: 'metric', key }, takes: 'number', comparators: NUMBER }
    case 'param':
    case 'params':
    case 'parameter':
    case 'parameters':
      return { field: { of: 'param', key }, takes: 'text', comparators: [...TEXT, ...PRESENCE] }
    case 'tag':
    case 'tags':
      return tagTerm(key)
    case 'dataset':
    case 'datasets':
      return datasetTerm(key)
    case null:
    case 'attribute':
    case 'attributes':
    case 'attr':
    case 'run':
      return RUN_ATTRIBUTES.get(key)
    default:
      return undefined
  }
}

const RUN_ATTRIBUTES = new Map<string, Term<RunField>>([
  ['run_id', textAttribute('runId', [...TEXT, ...LIST])],
  ...['run_name', 'run name', 'Run name', 'Run Name'].map(
    (key) => [key, textAttribute('name')] as const,
  ),
  ['status', { ...textAttribute('status'), kept: (status) => status.toLowerCase() }],
  ['artifact_uri', textAttribute('artifactUri')],
  ['user_id', textAttribute('userId')],
  ...['start_time', 'created', 'Created'].map((key) => [key, numberAttribute('startMs')] as const),
  ['end_time', numberAttribute('endMs')],
])

function datasetTerm(key: string): Term<RunField> | undefined {
  if (key !== 'name' && key !== 'digest' && key !== 'context') return undefined
  return {
    field: { of: 'dataset', name: key },
    takes: 'text',
    comparators: [...TEXT, ...LIST],
    only: 'filter',
  }
}

/** The names of an experiment search. */
export const experimentTerms: Vocabulary<ExperimentField> = (entity, key) => {
  if (entity === 'tag' || entity === 'tags') return { ...tagTerm(key), only: 'filter' }
  if (entity !== null && entity !== 'attribute' && entity !== 'attributes') return undefined
  return EXPERIMENT_ATTRIBUTES.get(key)
}

const EXPERIMENT_ATTRIBUTES = new Map<string, Term<ExperimentField>>([
  ['name', textAttribute('name')],
  ['experiment_id', { ...textAttribute('experimentId', ['=', '!=', ...LIST]), kept: wholeNumber }],
  ['creation_time', wholeAttribute('createdMs')],
  ['last_update_time', wholeAttribute('updatedMs')],
])

/** The names of a search for logged models; metrics count only on the datasets named beside the filter. */
export function loggedModelTerms(
  datasets: readonly { name: string; digest?: string }[],
): Vocabulary<LoggedModelField> {
  return (entity, key) => {
    switch (entity) {
      case 'metric':
      case 'metrics':
        return { field: { of: 'metric', key, datasets }, takes: 'number', comparators: NUMBER }
      case 'param':
      case 'params':
        return {
          field: { of: 'param', key },
          takes: 'text',
          comparators: [...TEXT, ...LIST],
          only: 'filter',
        }
      case 'tag':
      case 'tags':
        return {
          field: { of: 'tag', key },
          takes: 'text',
          comparators: [...TEXT, ...LIST],
          only: 'filter',
        }
      case null:
      case 'attribute':
      case 'attributes':
        return LOGGED_MODEL_ATTRIBUTES.get(key)
      default:
        return undefined
    }
  }
}

const LOGGED_MODEL_ATTRIBUTES = new Map<string, Term<LoggedModelField>>([
  ['name', textAttribute('name', [...TEXT, ...LIST])],
  ['model_id', textAttribute('modelId', [...TEXT, ...LIST])],
  ['model_type', textAttribute('modelType', [...TEXT, ...LIST])],
  ['status', { ...textAttribute('status', [...TEXT, ...LIST]), kept: keptModelStatus }],
  ['source_run_id', textAttribute('sourceRunId', [...TEXT, ...LIST])],
  ...['creation_timestamp', 'creation_timestamp_ms', 'creation_time'].map(
    (key) => [key, numberAttribute('createdMs')] as const,
  ),
  ...['last_updated_timestamp', 'last_updated_timestamp_ms', 'last_updated_time'].map(
    (key) => [key, numberAttribute('updatedMs')] as const,
  ),
])

function tagTerm(key: string) {
  return {
    field: { of: 'tag', key },
    takes: 'text',
    comparators: [...TEXT, ...PRESENCE],
  } as const
}

function keptModelStatus(status: string): string {
  const plain = status.toLowerCase().replace(/^logged_model_/, '')
  return plain === 'upload_failed' ? 'failed' : plain
}

function wholeNumber(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text)
  throw new Problem('invalid', `${JSON.stringify(text)} is no experiment id; it is a whole number`)
}
