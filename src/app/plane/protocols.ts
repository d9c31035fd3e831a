import type { FastifyInstance } from 'fastify'
import type { Inference } from '#inference'
import { mlflowScoringProtocol } from '#protocols/mlflow-scoring/index'
import { openInferenceProtocol } from '#protocols/open-inference/index'
import { tfServingProtocol } from '#protocols/tf-serving/index'

/** What a protocol of prediction is made from. */
export interface ProtocolParts {
  readonly inference: Inference
  readonly version: string
  readonly bodyBytesMax: number
}

/** Every language in which predictions are asked for over HTTP: a new one is a folder and a line here. */
export async function mountPredictionProtocols(
  http: FastifyInstance,
  parts: ProtocolParts,
): Promise<void> {
  await http.register((app) => mlflowScoringProtocol(app, parts), { prefix: '/endpoints' })
  await http.register((app) => openInferenceProtocol(app, parts), { prefix: '/v2' })
  await http.register((app) => tfServingProtocol(app, parts))
}
