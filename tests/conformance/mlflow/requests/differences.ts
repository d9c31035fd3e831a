/** Where we answer otherwise than MLflow, on purpose: the request as it begins, and what we answer. */
export const DIFFERENCES: readonly { request: string; why: string; ours: unknown }[] = [
  {
    request: 'POST experiments/create {"name":"climb"',
    why: 'a place must not climb',
    ours: [400, 'INVALID_PARAMETER_VALUE'],
  },
  {
    request: 'POST experiments/create {"name":"query"',
    why: 'a path added to such a place would become part of its query',
    ours: [400, 'INVALID_PARAMETER_VALUE'],
  },
  {
    request: 'POST experiments/update {"experiment_id":"{exp}","new_name":"with tags"}',
    why: 'it exists, which has a code of its own',
    ours: [400, 'RESOURCE_ALREADY_EXISTS'],
  },
  {
    request: 'POST experiments/update {"experiment_id":"{exp}","new_name":"again"}',
    why: 'clients would try again after a 500, for minutes',
    ours: [400, 'INVALID_PARAMETER_VALUE'],
  },
  {
    request: 'POST experiments/search {"max_results":5,"order_by":["name","name DESC"]}',
    why: 'the second key could mean nothing',
    ours: [400, 'INVALID_PARAMETER_VALUE'],
  },
  {
    request: 'POST experiments/search {"max_results":5,"view_type":"SOME"}',
    why: 'there is no such view',
    ours: [400, 'INVALID_PARAMETER_VALUE'],
  },
  {
    request: 'POST runs/search {"experiment_ids":["{exp}"],"run_view_type":"SOME"}',
    why: 'there is no such view',
    ours: [400, 'INVALID_PARAMETER_VALUE'],
  },
  {
    request: 'POST runs/log-metric {"run_id":"{r}","key":"m","value":true',
    why: 'that is no number',
    ours: [400, 'INVALID_PARAMETER_VALUE'],
  },
  {
    request: 'POST runs/log-metric {"run_id":"{r}","key":"m","value":[1]',
    why: 'that is no number, and no fault of the server',
    ours: [400, 'INVALID_PARAMETER_VALUE'],
  },
  {
    request: 'POST runs/log-metric {"run_id":"{r}","key":"m","value":1,"timestamp":1.5',
    why: 'there are no parts of milliseconds',
    ours: [400, 'INVALID_PARAMETER_VALUE'],
  },
  {
    request: 'POST runs/log-metric {"run_id":"{r}","key":"m","value":1,"timestamp":1,"step":1.5',
    why: 'there are no parts of steps',
    ours: [400, 'INVALID_PARAMETER_VALUE'],
  },
  {
    request: 'POST runs/log-batch {"run_id":"{r}","metrics":[5]}',
    why: 'that is no metric, and no fault of the server',
    ours: [400, 'INVALID_PARAMETER_VALUE'],
  },
  {
    request: 'POST runs/log-inputs {"run_id":"{i}","datasets":[{"dataset":{"name":"","digest"',
    why: 'a dataset without a name could not be found',
    ours: [400, 'INVALID_PARAMETER_VALUE'],
  },
  {
    request:
      'POST runs/log-inputs {"run_id":"{i}","datasets":[{"dataset":{"name":"d","digest":"x"}}]}',
    why: 'a dataset without a source is none',
    ours: [400, 'INVALID_PARAMETER_VALUE'],
  },
  {
    request: 'POST runs/log-inputs {"run_id":"{i}","datasets":[{}]}',
    why: 'that is no dataset',
    ours: [400, 'INVALID_PARAMETER_VALUE'],
  },
  {
    request: 'POST model-versions/create {"name":"m","source":"models:/m-0123"}',
    why: 'the logged model is not there',
    ours: [404, 'RESOURCE_DOES_NOT_EXIST'],
  },
  {
    request:
      'POST model-versions/transition-stage {"name":"m","version":"2","stage":"None","archive_existing_versions":true}',
    why: 'that is no fault of the server',
    ours: [400, 'INVALID_PARAMETER_VALUE'],
  },
  {
    request: 'GET registered-models/search?max_results=0',
    why: 'a page of nothing never ends',
    ours: [400, 'INVALID_PARAMETER_VALUE'],
  },
  {
    request: 'GET registered-models/search?filter=tags.a%20IS%20NULL',
    why: 'that is no fault of the server',
    ours: [400, 'INVALID_PARAMETER_VALUE'],
  },
  {
    request:
      'POST runs/log-metric {"run_id":"{r}","key":"auc","value":0.6,"timestamp":1,"model_id":"m-unknown"}',
    why: 'the code says what is wrong',
    ours: [400, 'INVALID_PARAMETER_VALUE'],
  },
  {
    request: 'POST runs/outputs {"run_id":"{r}","models":[{"model_id":"{two}","step":3}]}',
    why: 'saying it again is harmless',
    ours: [200, {}],
  },
  {
    request: `POST logged-models/search {"experiment_ids":["{exp}"],"filter":"colour = 'x'"`,
    why: 'that is no fault of the server',
    ours: [400, 'INVALID_PARAMETER_VALUE'],
  },
  {
    request: `POST logged-models/search {"experiment_ids":["{exp}"],"filter":"metrics.auc = 'x'"`,
    why: 'that is no fault of the server',
    ours: [400, 'INVALID_PARAMETER_VALUE'],
  },
  {
    request: 'POST logged-models/search {"experiment_ids":["{exp}"],"filter":"name = one"',
    why: 'texts stand in quotes',
    ours: [400, 'INVALID_PARAMETER_VALUE'],
  },
  {
    request: 'POST logged-models/search {"experiment_ids":["{exp}"],"page_token":"garbage"}',
    why: 'that is no fault of the server',
    ours: [400, 'INVALID_PARAMETER_VALUE'],
  },
  {
    request: 'GET /api/2.0/mlflow/runs/create',
    why: 'refusals are JSON here',
    ours: [405, 'ENDPOINT_NOT_FOUND'],
  },
  {
    request: 'DELETE /api/2.0/mlflow/runs/get',
    why: 'refusals are JSON here',
    ours: [405, 'ENDPOINT_NOT_FOUND'],
  },
  {
    request: 'POST runs/search {"experiment_ids":["{exp}"],"filter":"metrics. > 1"}',
    why: 'no metric has an empty key',
    ours: [400, 'INVALID_PARAMETER_VALUE'],
  },
  {
    request: 'POST runs/search {"experiment_ids":["{exp}"],"filter":" "}',
    why: 'a filter of spaces is none',
    ours: [
      200,
      ['twin', 'more data', 'data', 'none', 'É', '日本', 'beta%2', 'beta_1', 'alpine', 'Alpha'],
    ],
  },
]
