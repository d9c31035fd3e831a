import type { FastifyInstance } from 'fastify'
import type { Logger } from '#base/logger'
import type { RpcService } from '#base/rpc'
import type { Inference, LocalPlane } from '#inference'
import { prometheusProtocol, type Family } from '#protocols/prometheus/index'
import type { JournalStanding } from '#stores/journal/index'
import { createAccessLog } from './access-log.ts'
import type { PlaneSettings } from './messages.ts'
import { predictionMetrics, processMetrics } from './metrics.ts'
import { countResponses } from './responses.ts'
import { createTracing } from './tracing.ts'

/** Those who look on while predictions are answered, as far as the settings ask for them. */
export interface Watchers {
  inference(inference: Inference): Inference
  services(services: readonly RpcService[]): readonly RpcService[]
  /** Whether nobody looks at each request, so that some may be answered before they could be looked at. */
  readonly areAway: boolean
  stop(): Promise<void>
}

/** Traces and access logs: what is not asked for is not there, and costs nothing. */
export function watchersOf(
  { otlpEndpoint, otlpSample, accessLog, accessLogSample }: PlaneSettings,
  { http, logger }: { http: FastifyInstance; logger: Logger },
): Watchers {
  const tracing =
    otlpEndpoint === ''
      ? undefined
      : createTracing({ endpoint: otlpEndpoint, sample: otlpSample, logger })
  const log = accessLog ? createAccessLog({ sample: accessLogSample, logger }) : undefined
  tracing?.watchHttp(http)
  log?.watchHttp(http)
  return {
    areAway: tracing === undefined && log === undefined,
    inference: (inference) => tracing?.inference(inference) ?? inference,
    services: (services) => {
      const logged = log?.services(services) ?? services
      return tracing?.services(logged) ?? logged
    },
    stop: async () => tracing?.stop(),
  }
}

/** Answers whoever scrapes the plane, and gives what they get. */
export async function mountMetrics(
  http: FastifyInstance,
  plane: LocalPlane,
  journal: { standing(): JournalStanding },
): Promise<{ read: () => Promise<Family[]>; onAnswer: (status: number) => void }> {
  const ofProcess = processMetrics('plane')
  const responses = countResponses(http)
  const metrics = async () => [
    ...ofProcess(),
    responses.family(),
    ...(await predictionMetrics(plane, journal)),
  ]
  await http.register((app) => prometheusProtocol(app, { families: metrics }))
  return { read: metrics, onAnswer: responses.count }
}
