import type { FastifyInstance } from 'fastify'
import { systemClock } from '#base/clock'
import type { ExactJson } from '#base/exact-json'
import type { Explain } from '#explanations'
import type { FeedbackJournal, Inference, Journal, PredictionRequest } from '#inference'
import { feedbackProtocol } from '#protocols/feedback/index'
import { mlflowScoringProtocol } from '#protocols/mlflow-scoring/index'
import { openInferenceProtocol } from '#protocols/open-inference/index'
import { tfServingProtocol } from '#protocols/tf-serving/index'

/** What a protocol of prediction is made from. */
export interface ProtocolParts {
  readonly inference: Inference
  readonly explanations?: Explain
  /** Without it no feedback is taken. */
  readonly journal?: FeedbackJournal & Pick<Journal, 'findBatch'>
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
  const { inference, journal } = parts
  if (journal !== undefined)
    await http.register((app) => feedbackProtocol(app, { inference, journal, clock: systemClock }))
  await http.register((app) => tfServingProtocol(app, { ...parts, ...kserveExplain(parts) }))
}

/** Explanations as KServe's version 1 carries them: JSON of any form. */
function kserveExplain({ explanations }: ProtocolParts) {
  if (explanations === undefined) return {}
  return {
    explain: async (endpoint: string, { input, pin, deadlineMs }: PredictionRequest) => {
      const limits = deadlineMs === undefined ? {} : { deadlineMs }
      const pinned = pin === undefined ? {} : { pin }
      const explanation = await explanations.explain(endpoint, { input, ...pinned, ...limits })
      return { ...explanation } as unknown as ExactJson
    },
  }
}
