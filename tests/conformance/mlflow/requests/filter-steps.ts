import { chanceOf } from '../../../support/random.ts'
import { post, type Step } from './step.ts'

// A store with everything that is odd, and searches of it made from a seed: each has to find the same runs in
// the same order as MLflow's own server, or be refused as there.

interface Kept {
  readonly name: string
  readonly end?: number
  readonly status?: string
  readonly metrics?: Readonly<Record<string, number | string>>
  readonly params?: Readonly<Record<string, string>>
  readonly tags?: Readonly<Record<string, string>>
  readonly data?: readonly (readonly [name: string, digest: string, context: string])[]
}

const RUNS: readonly Kept[] = [
  {
    name: 'Alpha',
    end: 2000,
    status: 'FINISHED',
    metrics: { auc: 0.5, 'x y': 1 },
    params: { p: '10', 'a/b': 'x' },
    tags: { team: 'Air' },
  },
  {
    name: 'alpine',
    end: 1500,
    status: 'FAILED',
    metrics: { auc: 'NaN', loss: -1 },
    params: { p: '9' },
    tags: { team: 'air', note: "it's" },
  },
  { name: 'beta_1', metrics: { auc: 'Infinity', loss: 0 }, params: { p: '' }, tags: { team: '' } },
  {
    name: 'beta%2',
    end: 9000,
    status: 'KILLED',
    metrics: { auc: '-Infinity', loss: 'NaN' },
    tags: { team: 'été' },
  },
  {
    name: '日本',
    metrics: { auc: 0.5, loss: 2.5, 'x y': 2 },
    params: { p: '日本', 'a/b': 'y' },
    tags: { note: 'a"b' },
  },
  { name: 'É', metrics: { loss: 1e-9 }, params: { p: 'x%y' }, tags: { team: 'AIR', note: 'x\\y' } },
  { name: 'none' },
  {
    name: 'data',
    data: [
      ['flights', 'd1', 'train'],
      ['weather', 'd2', 'eval'],
    ],
    metrics: { auc: 0.25 },
  },
  {
    name: 'more data',
    data: [['flights', 'd2', 'eval']],
    params: { p: '10' },
    tags: { note: '_' },
  },
  { name: 'twin', metrics: { auc: 0.5, loss: 1 }, params: { p: '10' } },
]

const chance = chanceOf(8)
const pick = <T>(...items: readonly T[]): T => chance.pick(items)

function metricClause(): string {
  const key = pick('auc', 'loss', '`x y`', '"x y"', 'none')
  const value = pick('0', '0.5', '-1', '1e-9', '.25', '2.', '1.7976931348623157e308')
  return `${pick('metrics', 'metric')}.${key} ${pick('=', '!=', '>', '>=', '<', '<=')} ${value}`
}

function textClause(): string {
  const field = pick(
    'params.p',
    'params.`a/b`',
    'tags.team',
    'tag.note',
    'parameter.p',
    'run_name',
    'attributes.status',
    'attr.`run name`',
    'tags."mlflow.runName"',
    'params.none',
  )
  if (pick(1, 2, 3, 4) === 1 && !/run.name|status/.test(field))
    return `${field} IS ${pick('', 'NOT ')}NULL`
  const value = pick(
    "'10'",
    "'air'",
    "'AIR'",
    "'a%'",
    "'%a%'",
    "'_'",
    "'beta__'",
    "'x%'",
    "'FINISHED'",
    "'fin%'",
    "''",
    '"it\'s"',
    "'a\"b'",
    "'É%'",
    "'é%'",
    "'日_'",
    "'x\\y'",
    "'%\\%'",
  )
  return `${field} ${pick('=', '!=', 'LIKE', 'ILIKE', 'like', 'ilike')} ${value}`
}

function numberClause(): string {
  return `${pick('start_time', 'attributes.end_time', 'created', 'run.start_time')} ${pick('=', '!=', '>', '>=', '<', '<=')} ${pick('0', '1003', '2000', '-5', '1500.5')}`
}

function dataClause(): string {
  const field = pick('dataset.name', 'datasets.digest', 'dataset.context')
  if (pick(1, 2) === 1)
    return `${field} ${pick('IN', 'NOT IN', 'in')} ${pick("('flights')", "('d1', 'd2')", "('train', 'eval')", "('none',)")}`
  return `${field} ${pick('=', '!=', 'LIKE', 'ILIKE')} ${pick("'flights'", "'d%'", "'EVAL'", "'weather'")}`
}

const BROKEN = [
  'metrics.auc >',
  'auc > 1',
  "metrics.auc = '1'",
  'params.p = 10',
  "params.p > '1'",
  "params.p IN ('10')",
  "foo.p = 'x'",
  'metrics.auc > 0 OR metrics.auc < 0',
  "(params.p = '10')",
  "params.p = '10' AND",
  "AND params.p = '10'",
  "params.p = '10' params.p = '10'",
  "status IN ('FINISHED')",
  'status IS NULL',
  'run_id IN ()',
  "run_id NOT IN ('x')",
  "run_id IN ('x', 1)",
  "params.p = 'x",
  'params.`p = 1',
  "params.p <> '1'",
  "params.p == '1'",
  "tags.team NOT LIKE 'a%'",
  "tags.team RLIKE 'a'",
  'metrics.auc IS NULL',
  'metrics.auc BETWEEN 0 AND 1',
  "dataset.foo = 'x'",
  'dataset.name = 1',
  "params.p = '10'; DROP TABLE runs",
  "params.p = '10' -- x",
  "params.p = '' OR 1=1",
  "attributes.foo = 'x'",
  "lifecycle_stage = 'active'",
  "user_id = ''",
  "artifact_uri LIKE '%artifacts'",
  "run name = 'none'",
  "`run name` = 'none'",
  "Run.status = 'FINISHED'",
  'metrics.auc = nan',
  'metrics.auc > 0x10',
  'metrics.auc > 1_000',
  "params.'p' = '10'",
  "'p' = params.p",
  'metrics. > 1',
  ' ',
  'AND',
  "name = 'x'",
]

const ORDERS = [
  'metrics.auc',
  'metrics.auc DESC',
  'metrics.loss ASC',
  'metrics.`x y` DESC',
  'params.p',
  'params.p DESC',
  'tags.team',
  'tags.note DESC',
  'run_name',
  'attributes.run_name DESC',
  'status',
  'end_time',
  'end_time DESC',
  'start_time',
  'start_time DESC',
  'created ASC',
  'params.none',
  'metrics.none DESC',
  'tags.`mlflow.runName`',
]
const BROKEN_ORDERS = [
  'metrics.auc ASCC',
  'metrics.auc DESC DESC',
  'foo',
  'dataset.name',
  'foo.bar',
  '',
  'metrics.auc, loss',
  "'metrics.auc'",
  'lifecycle_stage',
  'duration',
  'metrics.auc; DROP TABLE runs',
]

function filter(): string {
  const clauses = Array.from({ length: pick(1, 1, 1, 2, 2, 3) }, () =>
    pick(metricClause, metricClause, textClause, textClause, numberClause, dataClause)(),
  )
  return clauses.join(pick(' AND ', ' and ', ' AND ', '  AND '))
}

const search = (asked: object): Step =>
  post('runs/search', { experiment_ids: ['{exp}'], ...asked }, { tell: 'names' })

function pairs(given: Readonly<Record<string, number | string>> = {}) {
  return Object.entries(given).map(([key, value]) => ({ key, value, timestamp: 1 }))
}

function madeOf(run: Kept, at: number): Step[] {
  const data = (run.data ?? []).map(([name, digest, context]) => ({
    dataset: { name, digest, source_type: 't', source: 's' },
    tags: [{ key: 'mlflow.data.context', value: context }],
  }))
  const run_id = `{run${at}}`
  return [
    post(
      'runs/create',
      { experiment_id: '{exp}', run_name: run.name, start_time: 1000 + at },
      { keep: { [`run${at}`]: 'run.info.run_id' } },
    ),
    post('runs/log-batch', {
      run_id,
      metrics: pairs(run.metrics),
      params: pairs(run.params),
      tags: pairs(run.tags),
    }),
    ...(data.length === 0 ? [] : [post('runs/log-inputs', { run_id, datasets: data })]),
    ...(run.status === undefined
      ? []
      : [post('runs/update', { run_id, status: run.status, end_time: run.end })]),
  ]
}

export const filterSteps: readonly Step[] = [
  post('experiments/create', { name: 'filters' }, { keep: { exp: 'experiment_id' } }),
  ...RUNS.flatMap(madeOf),
  ...BROKEN.map((each) => search({ filter: each })),
  ...ORDERS.map((each) => search({ order_by: [each] })),
  ...BROKEN_ORDERS.map((each) => search({ order_by: [each] })),
  search({ order_by: ['status', 'metrics.auc DESC'] }),
  search({ order_by: ['params.p', 'metrics.auc', 'end_time DESC'] }),
  search({ filter: "run_id IN ('{run0}', '{run3}')" }),
  search({ filter: "run_id NOT IN ('{run0}', '{run3}')" }),
  search({ filter: "run_id LIKE '{run1}'" }),
  ...Array.from({ length: 160 }, () =>
    search({
      filter: filter(),
      order_by: pick([], [pick(...ORDERS)], ['status', 'params.p DESC']),
    }),
  ),
]
