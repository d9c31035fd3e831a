import { Problem } from '#base/problem'
import type { Lifecycle } from '../experiment.ts'
import type { Condition, Order, Place, RunField } from '../search.ts'

/** Which experiments' runs are meant: these, or all of a folder at any depth; the empty folder is all there are. */
export type RunScope =
  | { readonly of: 'experiments'; readonly experimentIds: readonly string[] }
  | { readonly of: 'folder'; readonly folder: string }

/** Which runs are meant. */
export interface RunQuery {
  readonly scope: RunScope
  readonly conditions: readonly Condition<RunField>[]
  readonly lifecycles: readonly Lifecycle[]
}

export interface RunRowSearch extends RunQuery {
  readonly order: readonly Order<RunField>[]
  readonly columns: readonly RunColumn[]
  readonly limit: number
  readonly after?: Place | undefined
}

/** What a row may be asked to show, spelled as in a filter: `metrics.auc`, `attributes.start_time`. */
export type RunColumn =
  | { readonly of: 'metric' | 'param' | 'tag'; readonly key: string }
  | { readonly of: 'attribute'; readonly name: RunAttribute }

export const RUN_ATTRIBUTES = [
  'run_name',
  'status',
  'user_id',
  'start_time',
  'end_time',
  'artifact_uri',
  'lifecycle_stage',
  'experiment_id',
  'experiment_name',
  'parent_run_id',
  'child_count',
] as const
export type RunAttribute = (typeof RUN_ATTRIBUTES)[number]

export const COLUMNS_MAX = 200

/** The tag by which MLflow's clients say of which run another is a part. */
export const PARENT_TAG = 'mlflow.parentRunId'

/** Reads `metrics.auc`, `params.lr`, `tags.team` or `attributes.status`. Throws `invalid`. */
export function parseRunColumn(text: string): RunColumn {
  const dot = text.indexOf('.')
  const [entity, key] = [text.slice(0, dot), unquoted(text.slice(dot + 1))]
  if (dot > 0 && key !== '')
    switch (entity) {
      case 'metric':
      case 'metrics':
        return { of: 'metric', key }
      case 'param':
      case 'params':
        return { of: 'param', key }
      case 'tag':
      case 'tags':
        return { of: 'tag', key }
      case 'attribute':
      case 'attributes': {
        const name = RUN_ATTRIBUTES.find((each) => each === key)
        if (name !== undefined) return { of: 'attribute', name }
      }
    }
  throw new Problem(
    'invalid',
    `${JSON.stringify(text.slice(0, 200))} is no column; write metrics.KEY, params.KEY, tags.KEY, or attributes. with one of ${RUN_ATTRIBUTES.join(', ')}`,
  )
}

/** The column as a filter and `parseRunColumn` spell it. */
export function printRunColumn(column: RunColumn): string {
  return column.of === 'attribute' ? `attributes.${column.name}` : `${column.of}s.${column.key}`
}

/** The folder without slashes at its end. Names are kept as they are, so nothing else is made of it. */
export function folderOf(text: string): string {
  const folder = text.replace(/\/+$/, '')
  if (folder.length <= FOLDER_CHARS_MAX) return folder
  throw new Problem(
    'invalid',
    `the folder has ${folder.length} characters; the limit is ${FOLDER_CHARS_MAX}`,
  )
}

/** No longer than the names of the experiments in it. */
const FOLDER_CHARS_MAX = 500

/** The names in a folder lie between these two: `0` is the character after `/`. */
export function namesIn(folder: string): { from: string; until: string } | undefined {
  return folder === '' ? undefined : { from: `${folder}/`, until: `${folder}0` }
}

function unquoted(key: string): string {
  const quote = key[0]
  const quoted = key.length >= 2 && (quote === '`' || quote === '"') && key.endsWith(quote)
  return quoted ? key.slice(1, -1) : key
}
