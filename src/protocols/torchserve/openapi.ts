/** What is asked here, as OPTIONS / tells it. */
export function openApi(version: string): object {
  const model = { name: 'model_name', in: 'path', required: true, schema: { type: 'string' } }
  const revision = { name: 'model_version', in: 'path', required: true, schema: { type: 'string' } }
  const error = { description: 'A failure: its code, type and message' }
  const answers = { 200: { description: 'What the model answers' }, default: error }
  const body = { content: { '*/*': { schema: {} } } }
  const predict = (parameters: readonly object[]) => ({
    post: { operationId: 'predictions', parameters, requestBody: body, responses: answers },
  })
  const manage = (summary: string, parameters: readonly object[] = [model]) => ({
    summary,
    parameters,
    responses: { 200: { description: 'Done, or what was asked for' }, default: error },
  })
  return {
    openapi: '3.0.1',
    info: { title: 'Orrery, as TorchServe', version },
    paths: {
      '/ping': { get: manage('Whether predictions are answered', []) },
      '/predictions/{model_name}': predict([model]),
      '/predictions/{model_name}/{model_version}': predict([model, revision]),
      '/explanations/{model_name}': predict([model]),
      '/models': {
        get: manage('All models, by pages', []),
        post: manage('Serve a registered model: url=models:/NAME/VERSION', []),
      },
      '/models/{model_name}': {
        get: manage('How a model stands'),
        put: manage('Load it (min_worker of 1 or more) or let it go (0)'),
        delete: manage('Serve it no more'),
      },
      '/models/{model_name}/{model_version}/set-default': {
        put: manage('Let this version answer', [model, revision]),
      },
    },
  }
}
