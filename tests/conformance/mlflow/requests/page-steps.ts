import { get, post, type Step } from './step.ts'

const interval = (query: string) =>
  get('/ajax-api/2.0/mlflow/metrics/get-history-bulk-interval', query)
const graphql = (query: string, input: object = {}): Step =>
  post('/graphql', { query, variables: { input } })
const points = (from: number, count: number) =>
  Array.from({ length: count }, (_, at) => ({
    key: 'loss',
    value: (from + at) / 2,
    timestamp: 1000 + from + at,
    step: (from + at) * 2,
  }))

/** What MLflow's pages ask. */
export const pageSteps: readonly Step[] = [
  post(
    'experiments/create',
    { name: 'pages', tags: [{ key: 'a', value: 'b' }] },
    { keep: { exp: 'experiment_id' } },
  ),
  post(
    'runs/create',
    { experiment_id: '{exp}', run_name: 'r', start_time: 1 },
    { keep: { r: 'run.info.run_id' } },
  ),
  post(
    'runs/create',
    { experiment_id: '{exp}', run_name: 's', start_time: 2 },
    { keep: { s: 'run.info.run_id' } },
  ),
  post('runs/log-batch', {
    run_id: '{r}',
    metrics: points(0, 97),
    params: [{ key: 'p', value: '1' }],
  }),
  post('runs/log-batch', {
    run_id: '{s}',
    metrics: [{ key: 'loss', value: 'NaN', timestamp: 1, step: 0 }, ...points(0, 3)],
  }),
  ...[1, 2, 3, 5, 7, 10, 48, 96, 97, 98, 2500].map((most) =>
    interval(`run_ids={r}&metric_key=loss&max_results=${most}`),
  ),
  interval('run_ids={r}&run_ids={s}&metric_key=loss&max_results=2'),
  interval('run_ids={r}&metric_key=loss&start_step=10&end_step=40&max_results=4'),
  interval('run_ids={r}&metric_key=loss&start_step=11&end_step=11'),
  interval('run_ids={r}&metric_key=loss&start_step=40&end_step=10'),
  interval('run_ids={r}&metric_key=loss&start_step=40'),
  interval('run_ids={r}&metric_key=none'),
  interval('run_ids={r}'),
  interval('metric_key=loss'),
  interval('run_ids=unknown&metric_key=loss'),
  interval('run_ids={r}&metric_key=loss&max_results=0'),
  interval('run_ids={r}&metric_key=loss&max_results=2501'),
  interval('run_ids={r}&metric_key=loss&max_results=x'),
  post('runs/log-inputs', {
    run_id: '{r}',
    datasets: [
      {
        dataset: { name: 'd', digest: 'x', source_type: 't', source: 's' },
        tags: [{ key: 'mlflow.data.context', value: 'train' }],
      },
    ],
  }),
  post('runs/log-inputs', {
    run_id: '{s}',
    datasets: [
      { dataset: { name: 'd', digest: 'x', source_type: 't', source: 's' } },
      { dataset: { name: 'e', digest: 'y', source_type: 't', source: 's' } },
    ],
  }),
  post('/ajax-api/2.0/mlflow/experiments/search-datasets', { experiment_ids: ['{exp}'] }),
  post('/ajax-api/2.0/mlflow/experiments/search-datasets', { experiment_ids: ['0'] }),
  post('/ajax-api/2.0/mlflow/experiments/search-datasets', { experiment_ids: [] }),
  post('/ajax-api/2.0/mlflow/experiments/search-datasets', {
    experiment_ids: Array.from({ length: 21 }, String),
  }),
  graphql(
    'query Q($input: MlflowGetExperimentInput!) { mlflowGetExperiment(input: $input) { experiment { experimentId name artifactLocation lifecycleStage tags { key value } } } }',
    { experimentId: '{exp}' },
  ),
  graphql(
    'query Q($input: MlflowGetRunInput!) { mlflowGetRun(input: $input) { apiError { message } run { info { runId runUuid runName status startTime endTime lifecycleStage artifactUri } data { metrics { key value step timestamp } params { key value } tags { key value } } inputs { datasetInputs { dataset { name digest sourceType } tags { key value } } modelInputs { modelId } } outputs { modelOutputs { modelId step } } experiment { experimentId name } modelVersions { name version } } } }',
    { runId: '{r}' },
  ),
  graphql(
    'query Q($input: MlflowGetRunInput!) { mlflowGetRun(input: $input) { run { data { metrics { key value } } } } }',
    { runId: '{s}' },
  ),
  graphql(
    'query Q($input: MlflowSearchRunsInput!) { mlflowSearchRuns(input: $input) { runs { info { runName } } nextPageToken } }',
    {
      experimentIds: ['{exp}'],
      orderBy: ['start_time'],
      maxResults: 5,
    },
  ),
  graphql(
    'mutation M($input: MlflowSearchDatasetsInput!) { mlflowSearchDatasets(input: $input) { datasetSummaries { experimentId name digest context } } }',
    { experimentIds: ['{exp}'] },
  ),
  graphql(
    'mutation M($input: MlflowSearchRunsInput!) { mlflowSearchRuns(input: $input) { runs { info { runName } } } }',
    { experimentIds: ['{exp}'], filter: "run_name = 'r'" },
  ),
  graphql(
    'query Q($input: MlflowGetMetricHistoryBulkIntervalInput!) { mlflowGetMetricHistoryBulkInterval(input: $input) { metrics { runId key value step timestamp } } }',
    { runIds: ['{r}'], metricKey: 'loss' },
  ),
  graphql(
    'query Q($input: MlflowSearchModelVersionsInput!) { mlflowSearchModelVersions(input: $input) { modelVersions { name } nextPageToken } }',
    { filter: "run_id = '{r}'" },
  ),
  graphql(
    'query Q($input: MlflowListArtifactsInput!) { mlflowListArtifacts(input: $input) { rootUri files { path isDir fileSize } } }',
    { runId: '{r}' },
  ),
]
