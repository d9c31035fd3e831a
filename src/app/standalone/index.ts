import { pino } from 'pino'
import { systemClock } from '#base/clock'
import { randomIds } from '#base/ids'
import { Problem } from '#base/problem'
import type { Logger } from '#base/logger'
import { createPlane, type Journal, type PlacedRevision, type Runtime } from '#inference'
import { prometheusProtocol } from '#protocols/prometheus/index'
import { startGrpc } from '../listening/grpc.ts'
import { createListener, listen } from '../plane/listener.ts'
import { planeExplanations } from '../plane/explanations.ts'
import { predictionMetrics, processMetrics } from '../plane/metrics.ts'
import { directRoutes, mountPredictionProtocols, predictionServices } from '../plane/protocols.ts'
import { VERSION } from '../version.ts'
import { modelAt, nameOf } from './model-folder.ts'
import { fixedRepository } from './repository.ts'

export interface StandaloneSettings {
  /** Folders that MLflow has saved and ONNX files, by the name that they answer under; without one, by their own. */
  readonly models: readonly { readonly name?: string; readonly path: string }[]
  readonly host: string
  readonly port: number
  /** 0 takes a free one; without, gRPC is not spoken. */
  readonly grpcPort?: number
  /** Further Host names to answer to, separated by commas; `*` answers to all. */
  readonly allowedHosts: string
  readonly logLevel: string
  /** A model that has not answered after this time is ended with its process. */
  readonly timeoutMs: number
  readonly bodyBytesMax: number
  readonly drainMs: number
  /** Whether /models is as SageMaker asks it of a container of many models, and not as TorchServe has it. */
  readonly multiModel?: boolean
  /** What runs the models. */
  readonly runtime: (logger: Logger) => Runtime
}

export interface Standalone {
  readonly url: string
  /** `null` when gRPC is not spoken. */
  readonly grpcPort: number | null
  readonly models: readonly string[]
  /** Answers what was asked, within `drainMs`, and ends. */
  stop(): Promise<void>
}

/**
 * Serves models from disk by every protocol of prediction, without a server: nothing is tracked and nothing is
 * logged. Resolves when all of them answer; throws when one cannot.
 */
export async function startStandalone(settings: StandaloneSettings): Promise<Standalone> {
  const { host, port, timeoutMs, drainMs } = settings
  const logger = pino({ level: settings.logLevel }, pino.destination({ dest: 2, sync: false }))
  const placed = await placedModels(settings.models)
  const tables = new Map(placed.map((each) => [each.revision.endpoint, tableOf(each)]))
  const plane = createPlane({
    log: NO_JOURNAL,
    runtime: settings.runtime(logger),
    clock: systemClock,
    ids: randomIds,
    logger,
    timeoutMs,
    // There is one revision of each, so nothing is left to chance.
    draws: () => 0,
    onRestart: (endpoint, reason) => logger.warn({ endpoint, reason }, 'a model was started again'),
    onChange: () => undefined,
  })
  try {
    for (const table of tables.values()) {
      await plane.prepare(table)
      await plane.tell(table)
    }
    await plane.complete()
  } catch (error) {
    await plane.stop()
    throw error
  }
  const { http, answerDirectly } = createListener({ ...settings, logger, ids: randomIds })
  const parts = {
    inference: plane,
    repository: fixedRepository(plane),
    explanations: planeExplanations(plane, tables),
    multiModel: settings.multiModel ?? false,
    version: VERSION,
    bodyBytesMax: settings.bodyBytesMax,
  }
  const ofProcess = processMetrics('standalone')
  await http.register((app) =>
    prometheusProtocol(app, {
      families: async () => [...ofProcess(), ...(await predictionMetrics(plane))],
    }),
  )
  await mountPredictionProtocols(http, parts)
  answerDirectly(directRoutes(parts), () => undefined)
  const listening = await listen(http, { host, port, logger })
  const grpc =
    settings.grpcPort === undefined
      ? undefined
      : await startGrpc(
          { clock: systemClock, logger },
          {
            services: predictionServices(parts),
            host,
            port: settings.grpcPort,
            messageBytesMax: settings.bodyBytesMax,
            isReady: () => plane.readiness().ready,
          },
        )
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${listening}`,
    grpcPort: grpc?.port ?? null,
    models: placed.map(({ revision }) => revision.endpoint),
    stop: async () => {
      plane.drain()
      const late = setTimeout(() => http.server.closeAllConnections(), drainMs)
      await Promise.all([http.close(), grpc?.stop(drainMs)])
      clearTimeout(late)
      await plane.stop()
    },
  }
}

async function placedModels(models: StandaloneSettings['models']): Promise<PlacedRevision[]> {
  if (models.length === 0) throw new Problem('invalid', 'there is no model to serve; give a folder')
  const names = models.map(({ name, path }) => name ?? nameOf(path))
  const twice = names.find((name, index) => names.indexOf(name) < index)
  if (twice !== undefined)
    throw new Problem('invalid', `two models are called ${twice}; give them names: NAME=FOLDER`)
  return Promise.all(models.map(({ path }, index) => modelAt(path, names[index] ?? nameOf(path))))
}

function tableOf(placed: PlacedRevision) {
  const { endpoint: name, number, version } = placed.revision
  return {
    name,
    monitor: null,
    routing: {
      endpoint: name,
      revisions: [{ revision: number, version, weight: 1 }],
      shadows: [],
      override: 'refused' as const,
    },
    revisions: [placed],
    labels: {},
    failure: null,
  }
}

/** Nothing is kept: whoever wants a log has a server. */
const NO_JOURNAL: Journal = {
  append: async () => undefined,
  appendLate: async () => undefined,
  skip: () => undefined,
  findBatch: async () => undefined,
}
