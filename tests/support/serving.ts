import Fastify, { type FastifyInstance } from 'fastify'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { startGrpc, type GrpcServer } from '#app/listening/grpc'
import { systemClock } from '#base/clock'
import { randomIds } from '#base/ids'
import { Problem } from '#base/problem'
import type { RpcService } from '#base/rpc'
import type { LedgerReads } from '#ledger'
import { answerProblems } from '#protocols/api/errors'
import { endpointRoutes } from '#protocols/api/endpoints'
import { predictionRoutes } from '#protocols/api/predictions'
import { mlflowRootProtocol, mlflowScoringProtocol } from '#protocols/mlflow-scoring/index'
import { openInferenceProtocol } from '#protocols/open-inference/index'
import { onnxRuntime } from '#runtimes/onnx/index'
import {
  createPlane,
  type LocalPlane,
  type ModelSource,
  type Runtime,
  type ServableModel,
  type SignatureColumn,
} from '#inference'
import { createServing, type Declaration, type PredictionLog, type Serving } from '#serving'
import { openAnalytics } from '#stores/analytics/duckdb/index'
import { segmentFiles } from '#stores/analytics/duckdb/segments'
import { openLocalObjects } from '#stores/objects/local'
import { openJournal, openSource } from '#stores/journal/index'
import { openPredictionLog, openRecorded } from '#stores/predictions/index'
import { openSqlStore, type SqlStore } from '#stores/sql/index'

export const LOCAL = { kind: 'user', id: 'test' } as const

const FIXTURES = join(import.meta.dirname, '..', 'fixtures', 'models')

/** A registry whose versions are fixture models: `models.set('late', 1, 'flights')`. */
export function fixtureModels() {
  const files = new Map<string, { file: string; columns: ServableModel['columns'] }>()
  const aliases = new Map<string, number>()
  const source: ModelSource = {
    resolve: async (uri) => {
      const [, model = '', mark, name = ''] = /^models:\/([^/@]+)([/@])(.+)$/.exec(uri) ?? []
      const version = mark === '@' ? aliases.get(`${model}@${name}`) : Number(name)
      return version !== undefined && files.has(`${model}/${version}`)
        ? source.get(model, version)
        : undefined
    },
    get: async (model, version) => {
      const found = files.get(`${model}/${version}`)
      if (found === undefined) throw new Problem('not-found', `no ${model}/${version}`)
      return { model, version, digest: found.file, columns: found.columns, example: null }
    },
    place: async (model, version) => ({
      path: join(FIXTURES, `${files.get(`${model}/${version}`)?.file}.onnx`),
    }),
    list: async () =>
      [...files.keys()].map((key) => {
        const [model = '', version] = key.split('/')
        return { model, version: Number(version) }
      }),
    labels: async (model) =>
      Object.fromEntries(
        [...aliases].flatMap(([name, version]) => {
          const [of = '', alias = ''] = name.split('@')
          return of === model ? [[alias, version]] : []
        }),
      ),
  }
  return {
    source,
    set: (
      model: string,
      version: number,
      file: string,
      columns: readonly SignatureColumn[] | null = null,
    ) => files.set(`${model}/${version}`, { file, columns }),
    alias: (name: string, version: number) => aliases.set(name, version),
  }
}

export interface ServingWorld {
  readonly home: string
  readonly serving: Serving
  readonly plane: LocalPlane
  readonly log: PredictionLog
  readonly store: SqlStore
  readonly ledger: LedgerReads
  readonly http: FastifyInstance
  close(): Promise<void>
}

/** Has version 1 of a model answer under the model's own name, as the `orrery.yaml` of a project would say. */
export async function serveModel(
  { serving }: Pick<ServingWorld, 'serving'>,
  name: string,
  { project = 'example', monitor = null }: Partial<Pick<Declaration, 'project' | 'monitor'>> = {},
): Promise<void> {
  await serving.declareEndpoint(LOCAL, {
    name,
    project,
    model: `models:/${name}/1`,
    shadows: [],
    monitor,
  })
  await serving.rollOut(LOCAL, name)
}

/** A gRPC server as the plane has it, at a free port. */
export async function startTestGrpc(
  { plane }: Pick<ServingWorld, 'plane'>,
  services: readonly RpcService[],
  messageBytesMax = 64 * 1024 * 1024,
): Promise<GrpcServer> {
  return startGrpc(
    { clock: systemClock, logger: pino({ level: 'silent' }) },
    {
      services,
      host: '127.0.0.1',
      port: 0,
      messageBytesMax,
      isReady: () => plane.readiness().ready,
    },
  )
}

/** Serving as the server has it, over fixture models: real stores, real processes, real protocols. */
export async function openServing(options: {
  models: ModelSource
  home?: string
  runtime?: Runtime
  timeoutMs?: number
  sealRows?: number
}): Promise<ServingWorld> {
  const home = options.home ?? (await mkdtemp(join(tmpdir(), 'orrery-serving-')))
  const world = { clock: systemClock, ids: randomIds }
  const logger = pino({ level: 'silent' })
  const store = await openSqlStore(join(home, 'orrery.db'), world)
  const analytics = openAnalytics({ memoryMb: 256, threads: 1 })
  const log = openPredictionLog({
    file: join(home, 'predictions.db'),
    folder: join(home, 'segments'),
    objects: await openLocalObjects(join(home, 'objects')),
    files: segmentFiles(analytics),
    journal: { source: openSource(join(home, 'journal')), logger },
  })
  const recorded = openRecorded({ file: join(home, 'predictions.db'), sealed: log.findBatch })
  const journal = openJournal({
    folder: join(home, 'journal'),
    ingested: recorded,
    syncMs: 50,
    logger,
  })
  const plane = createPlane({
    ...world,
    log: journal,
    runtime: options.runtime ?? onnxRuntime({ logger }),
    logger,
    timeoutMs: options.timeoutMs ?? 10_000,
    draws: () => Math.random(),
    onRestart: (endpoint, reason) => serving.restarted(endpoint, reason),
    onChange: () => undefined,
  })
  const serving = createServing({
    ...world,
    read: store.read.serving,
    transact: store.transact,
    log,
    models: options.models,
    plane,
    logger,
    sealRows: options.sealRows ?? 100_000,
  })
  // Nobody tells it of endpoints that were there before, but after a restart.
  if (options.home === undefined) await plane.complete()
  const http = await mounted(serving, plane)
  return {
    home,
    serving,
    plane,
    log,
    store,
    ledger: store.read.ledger,
    http,
    close: async () => {
      await http.close()
      await serving.stop()
      await journal.close()
      recorded.close()
      await log.close()
      await analytics.close()
      await store.close()
    },
  }
}

async function mounted(serving: Serving, inference: LocalPlane): Promise<FastifyInstance> {
  const http = Fastify({ bodyLimit: 64 * 1024 * 1024 })
  await http.register((app) => mlflowScoringProtocol(app, { inference }), { prefix: '/endpoints' })
  await http.register((app) => mlflowRootProtocol(app, { inference }))
  await http.register(
    (app) =>
      openInferenceProtocol(app, { inference, version: '0', bodyBytesMax: 64 * 1024 * 1024 }),
    { prefix: '/v2' },
  )
  await http.register(
    async (app) => {
      answerProblems(app)
      endpointRoutes(app, serving, LOCAL)
      predictionRoutes(app, serving)
    },
    { prefix: '/api/v1' },
  )
  return http
}
