import type { FastifyInstance } from 'fastify'
import { systemClock } from '#base/clock'
import type { Explain } from '#explanations'
import type { FeedbackJournal, Inference, Journal, PredictionRequest, Repository } from '#inference'
import { azureProtocol } from '#protocols/azure/index'
import { feedbackProtocol } from '#protocols/feedback/index'
import {
  askInMlflowForms,
  directInvocations,
  mlflowRootProtocol,
  mlflowScoringProtocol,
} from '#protocols/mlflow-scoring/index'
import { openInferenceServices } from '#protocols/open-inference/grpc'
import { directInfer, openInferenceProtocol } from '#protocols/open-inference/index'
import { sagemakerProtocol } from '#protocols/sagemaker/index'
import { tfServingProtocol } from '#protocols/tf-serving/index'
import { tfServingGrpcServices } from '#protocols/tf-serving-grpc/index'
import { torchServeProtocol } from '#protocols/torchserve/index'
import type { RpcService } from '#base/rpc'
import type { DirectRoute } from '#base/direct'

/** What a protocol of prediction is made from. */
export interface ProtocolParts {
  readonly inference: Inference
  readonly explanations?: Explain
  /** Without it no feedback is taken. */
  readonly journal?: FeedbackJournal & Pick<Journal, 'findBatch'>
  /** Without it endpoints are neither listed nor loaded. */
  readonly repository?: Repository
  /** Answers requests at the root that name no endpoint, where there are several. */
  readonly defaultEndpoint?: string
  /** Whether SageMaker loads and lets go of models through this port. */
  readonly multiModel?: boolean
  readonly version: string
  readonly bodyBytesMax: number
}

/** Every language in which predictions are asked for over HTTP: a new one is a folder and a line here. */
export async function mountPredictionProtocols(
  http: FastifyInstance,
  parts: ProtocolParts,
): Promise<void> {
  const mlflow = askedIn('mlflow', parts)
  await http.register((app) => mlflowScoringProtocol(app, mlflow), { prefix: '/endpoints' })
  await http.register((app) => mlflowRootProtocol(app, mlflow))
  const openInference = askedIn('open-inference', parts)
  await http.register((app) => openInferenceProtocol(app, openInference), { prefix: '/v2' })
  const { inference, journal } = parts
  if (journal !== undefined)
    await http.register((app) => feedbackProtocol(app, { inference, journal, clock: systemClock }))
  await http.register((app) => tfServingProtocol(app, askedIn('tf-serving', parts)))
  // Both read MLflow's forms of JSON as well as their own.
  const inForms = { ...parts, askInForms: askInMlflowForms }
  await http.register((app) => sagemakerProtocol(app, askedIn('sagemaker', inForms)))
  await http.register((app) => azureProtocol(app, askedIn('azure', inForms)))
  // Last, for it takes at the root what no other has taken.
  await http.register((app) => torchServeProtocol(app, askedIn('torchserve', parts)))
}

/** What is asked most, in the protocols where it is worth a way of its own. */
export function directRoutes(parts: ProtocolParts): readonly DirectRoute[] {
  return [
    directInfer(askedIn('open-inference', parts)),
    directInvocations(askedIn('mlflow', parts).inference),
  ]
}

/** The same for gRPC. */
export function predictionServices(parts: ProtocolParts): readonly RpcService[] {
  return [
    ...openInferenceServices(askedIn('open-inference-grpc', parts)),
    ...tfServingGrpcServices(askedIn('tf-serving-grpc', parts)),
  ]
}

/** Parts whose requests say by which protocol they came. */
function askedIn<Some extends { inference: Inference }>(protocol: string, parts: Some): Some {
  const { inference } = parts
  return {
    ...parts,
    inference: {
      ...inference,
      predict: (endpoint: string, request: PredictionRequest) =>
        inference.predict(endpoint, { ...request, protocol }),
    },
  }
}
