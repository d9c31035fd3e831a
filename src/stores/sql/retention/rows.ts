import { sql, type Kysely, type RawBuilder } from 'kysely'
import { versionIn, type Subject } from '#retention'
import { belowOrAt } from './subjects.ts'
import type { RetentionTables } from './tables.ts'

type Db = Kysely<RetentionTables>

/** Rows of one table that go with their owner: which, and the key by which a few of them are named. */
export interface Rows {
  readonly table: string
  readonly key: readonly string[]
  readonly where: RawBuilder<unknown>
}

/** A table whose rows hang on something, and the column that names it; some keep numbers as texts. */
interface Hanging {
  readonly table: string
  readonly column: string
  readonly key: readonly string[]
  readonly as?: 'text'
}

/** Tables whose rows hang on a run, by the column that names it. The run's own row is not among them. */
export const RUN_TABLES: readonly Hanging[] = [
  { table: 'metric_series', column: 'run_id', key: ['series_id'] },
  { table: 'run_params', column: 'run_id', key: ['run_id', 'key'] },
  { table: 'run_tags', column: 'run_id', key: ['run_id', 'key'] },
  { table: 'run_datasets', column: 'run_id', key: ['run_id', 'dataset_id'] },
  { table: 'run_models', column: 'run_id', key: ['run_id', 'direction', 'model_id'] },
  { table: 'trace_runs', column: 'run_id', key: ['trace_id', 'run_id'] },
  {
    table: 'logged_model_metrics',
    column: 'run_id',
    key: ['model_id', 'key', 'at_ms', 'step', 'run_id'],
  },
]

/** Tables whose rows hang on a logged model. */
export const LOGGED_MODEL_TABLES: readonly Hanging[] = [
  { table: 'logged_model_params', column: 'model_id', key: ['model_id', 'key'] },
  { table: 'logged_model_tags', column: 'model_id', key: ['model_id', 'key'] },
  {
    table: 'logged_model_metrics',
    column: 'model_id',
    key: ['model_id', 'key', 'at_ms', 'step', 'run_id'],
  },
  { table: 'run_models', column: 'model_id', key: ['run_id', 'direction', 'model_id'] },
]

/** Tables whose rows hang on an experiment, apart from its runs and logged models. */
export const EXPERIMENT_TABLES: readonly Hanging[] = [
  { table: 'experiment_tags', column: 'experiment_id', key: ['experiment_id', 'key'] },
  { table: 'datasets', column: 'experiment_id', key: ['dataset_id'] },
  {
    table: 'evaluation_dataset_experiments',
    column: 'experiment',
    key: ['dataset', 'experiment'],
    as: 'text',
  },
  { table: 'scorers', column: 'experiment', key: ['experiment', 'name', 'version'], as: 'text' },
  { table: 'spans', column: 'experiment_id', key: ['trace_id', 'span_id'] },
]

/** Tables whose rows hang on a trace, which goes with its experiment. */
export const TRACE_TABLES: readonly { table: string; key: readonly string[] }[] = [
  { table: 'trace_tags', key: ['trace_id', 'key'] },
  { table: 'trace_metadata', key: ['trace_id', 'key'] },
  { table: 'trace_runs', key: ['trace_id', 'run_id'] },
  { table: 'trace_prompts', key: ['trace_id', 'prompt'] },
  { table: 'assessments', key: ['trace_id', 'assessment_id'] },
]

/** Tables that name one of them and keep their rows, and why. */
export const KEPT_TABLES: Readonly<Record<string, string>> = {
  'runs.experiment_id': 'removed one by one, each with what hangs on it',
  'logged_models.experiment_id': 'removed one by one, each with what hangs on it',
  'model_versions.run_id': 'a version holds its run as long as it lives',
  'binned_versions.run_id': 'a version in the trash holds its run',
  'logged_models.source_run_id': 'a model stays without the run that it came from',
  'model_versions.logged_model_id': 'a version holds its logged model as long as it lives',
  'binned_versions.logged_model_id': 'a version in the trash holds its logged model',
  'traces.experiment_id': 'removed after all that hangs on them',
  'assessments.run_id': 'an opinion of a trace stays with the trace',
  'trash.experiment_id': 'the record of what was deleted, without its content',
}

export function rowsOfRun(runId: string, root: string | null): Rows[] {
  return [
    {
      table: 'metric_points',
      key: ['series_id', 'at_ms', 'step', 'value', 'is_nan'],
      where: sql`series_id in (select series_id from metric_series where run_id = ${runId})`,
    },
    {
      table: 'metric_blocks',
      key: ['series_id', 'ordinal'],
      where: sql`series_id in (select series_id from metric_series where run_id = ${runId})`,
    },
    ...hanging(RUN_TABLES, runId),
    ...filesBelow(root),
  ]
}

export function rowsOfLoggedModel(modelId: string, root: string | null): Rows[] {
  return [...hanging(LOGGED_MODEL_TABLES, modelId), ...filesBelow(root)]
}

/** What is left of an experiment when its runs and logged models are gone. */
export function rowsOfExperiment(experimentId: string, root: string | null): Rows[] {
  return [
    ...tracesOf(Number(experimentId)),
    ...hanging(EXPERIMENT_TABLES, Number(experimentId)),
    ...filesBelow(root),
  ]
}

/** What the registry keeps aside under a position. */
export function rowsOfBin(position: number): Rows[] {
  const where = sql`position = ${position}`
  return [
    { table: 'binned_version_files', key: ['position', 'version', 'path'], where },
    { table: 'binned_versions', key: ['position', 'version'], where },
    { table: 'binned_models', key: ['position'], where },
  ]
}

export function filesBelow(root: string | null): Rows[] {
  return root === null ? [] : [{ table: 'artifact_files', key: ['path'], where: belowOrAt(root) }]
}

function tracesOf(experimentId: number): Rows[] {
  const own = sql`experiment_id = ${experimentId}`
  const where = sql`trace_id in (select trace_id from traces where ${own})`
  return [
    ...TRACE_TABLES.map(({ table, key }) => ({ table, key, where })),
    { table: 'traces', key: ['trace_id'], where: own },
  ]
}

function hanging(tables: readonly Hanging[], owner: string | number): Rows[] {
  return tables.map(({ table, column, key, as }) => ({
    table,
    key,
    where: sql`${sql.ref(column)} = ${as === 'text' ? String(owner) : owner}`,
  }))
}

/** Removes at most so many of the rows and gives how many there were. */
export async function deleteSome(
  db: Db,
  { table, key, where }: Rows,
  limit: number,
): Promise<number> {
  const columns = sql.join(key.map((column) => sql.ref(column)))
  const named = key.length === 1 ? columns : sql`(${columns})`
  const { numAffectedRows } = await sql`
    delete from ${sql.table(table)} where ${named} in
      (select ${columns} from ${sql.table(table)} where ${where} limit ${limit})`.execute(db)
  return Number(numAffectedRows ?? 0n)
}

/** How many rows of each table go with the subject; of an experiment, with all that is in it. */
export async function countRows(db: Db, subject: Subject): Promise<Record<string, number>> {
  const counts: Record<string, number> = {}
  for (const rows of rowsWith(subject)) {
    const { rows: found } = await sql<{ count: number }>`
      select count(*) as count from ${sql.table(rows.table)} where ${rows.where}`.execute(db)
    const count = found[0]?.count ?? 0
    if (count > 0) counts[rows.table] = (counts[rows.table] ?? 0) + count
  }
  return counts
}

type Counted = Pick<Rows, 'table' | 'where'>

function rowsWith({ kind, id, root, position }: Subject): Counted[] {
  if (kind === 'run') return [{ table: 'runs', where: sql`run_id = ${id}` }, ...rowsOfRun(id, root)]
  if (kind === 'logged-model')
    return [
      { table: 'logged_models', where: sql`model_id = ${id}` },
      ...rowsOfLoggedModel(id, root),
    ]
  if (kind === 'experiment') return allOfExperiment(id, root)
  if (position !== null) return rowsOfBin(position)
  const { model, version } =
    kind === 'model-version' ? versionIn(id) : { model: id, version: undefined }
  const own =
    version === undefined ? sql`model = ${model}` : sql`model = ${model} and version = ${version}`
  const tables = ['model_versions', 'model_version_tags', 'model_version_files', 'model_aliases']
  const ofModel: Counted[] =
    version === undefined
      ? [
          { table: 'registered_models', where: sql`name = ${model}` },
          { table: 'registered_model_tags', where: own },
        ]
      : []
  return [...ofModel, ...tables.map((table) => ({ table, where: own }))]
}

function allOfExperiment(id: string, root: string | null): Counted[] {
  const number = Number(id)
  const runs = sql`select run_id from runs where experiment_id = ${number}`
  const models = sql`select model_id from logged_models where experiment_id = ${number}`
  return [
    { table: 'experiments', where: sql`experiment_id = ${number}` },
    { table: 'runs', where: sql`experiment_id = ${number}` },
    { table: 'logged_models', where: sql`experiment_id = ${number}` },
    ...['metric_points', 'metric_blocks'].map((table) => ({
      table,
      where: sql`series_id in (select series_id from metric_series where run_id in (${runs}))`,
    })),
    ...RUN_TABLES.filter(
      ({ table }) => !['run_models', 'trace_runs', 'logged_model_metrics'].includes(table),
    ).map(({ table, column }) => ({ table, where: sql`${sql.ref(column)} in (${runs})` })),
    ...['logged_model_params', 'logged_model_tags'].map((table) => ({
      table,
      where: sql`model_id in (${models})`,
    })),
    ...['run_models', 'logged_model_metrics'].map((table) => ({
      table,
      where: sql`(run_id in (${runs}) or model_id in (${models}))`,
    })),
    ...rowsOfExperiment(id, root),
  ]
}
