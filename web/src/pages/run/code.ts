import type { RunWire } from '#web/api/run.ts'

/** Lines of Python that read a run with MLflow's client. */
export function codeFor({ info, data, outputs }: RunWire, server: string): string {
  const id = JSON.stringify(info.run_id)
  const metric = data.metrics?.find(({ key }) => !key.startsWith('system/'))?.key
  const model = outputs?.model_outputs?.[0]?.model_id
  return [
    'import mlflow',
    '',
    `mlflow.set_tracking_uri(${JSON.stringify(server)})`,
    `run = mlflow.get_run(${id})`,
    'print(run.data.params, run.data.metrics)',
    ...(metric === undefined
      ? []
      : [`history = mlflow.MlflowClient().get_metric_history(${id}, ${JSON.stringify(metric)})`]),
    `files = mlflow.artifacts.download_artifacts(run_id=${id})`,
    ...(model === undefined
      ? []
      : [`model = mlflow.pyfunc.load_model(${JSON.stringify(`models:/${model}`)})`]),
    '',
  ].join('\n')
}
