import type { Clock } from '#base/clock'
import type { Ids } from '#base/ids'
import type { Logger } from '#base/logger'
import { messageOf, Problem } from '#base/problem'
import type { Actor, Transact } from '#ledger'
import type { WorkWrites } from '#work'
import { sealJob } from './background.ts'
import {
  createPredict,
  createScoring,
  trafficMeter,
  type ModelSource,
  type Revision,
  type Runtime,
  type Scoring,
  type Traffic,
  type Deployed,
  type Described,
  type Inference,
  type Pin,
} from '#inference'
import type { Declaration, Endpoint } from './endpoint.ts'
import { createEndpoints } from './endpoints.ts'
import type { PredictionLog, PredictionQueries, Truth, TruthsRecorded } from './log.ts'
import type { RollOut } from './rollout.ts'
import { createSealing, type Sealing } from './sealing.ts'
import type { ServingReads, ServingWrites } from './store.ts'

export interface Serving extends Inference {
  readonly endpoints: {
    list(): Promise<Endpoint[]>
    /** Throws `not-found`. */
    get(name: string): Promise<Endpoint>
    revisions(name: string, page: { before?: number; limit: number }): Promise<Revision[]>
  }
  /** Says what an endpoint is meant to be; saying it again changes nothing. */
  declareEndpoint(actor: Actor, declaration: Declaration): Promise<Endpoint>
  /** Brings what serves in line with what the endpoint's URIs mean now, losing no request. */
  rollOut(actor: Actor, endpoint: string): Promise<RollOut>
  /** Runs a model version over rows, apart from all endpoints and unlogged. */
  readonly score: Scoring['score']
  /** Keeps what turned out to be true; the last label for a prediction or an entity wins. */
  recordTruths(endpoint: string, truths: readonly Truth[]): Promise<TruthsRecorded>
  /** Says that event time has come so far, though nothing was predicted. Gives how far it has come. */
  advance(endpoint: string, timeMs: number): Promise<number>
  readonly predictions: PredictionQueries
  /** How many segments of the log lie in each of these objects. */
  readonly references: PredictionLog['references']
  traffic(): Traffic[]
  readonly seal: Sealing['seal']
  /** Takes up what a stop or a crash has left: endpoints are loaded, segments sealed to their end. */
  start(): Promise<void>
  stop(): Promise<void>
}

export interface ServingDependencies {
  readonly read: ServingReads
  readonly transact: Transact<{ serving: ServingWrites; work: WorkWrites }>
  readonly log: PredictionLog
  readonly models: ModelSource
  readonly runtime: Runtime
  readonly clock: Clock
  readonly ids: Ids
  readonly logger: Logger
  /** A model that has not answered after this time is ended with its process. */
  readonly timeoutMs: number
  /** Rows of the log that make a segment. */
  readonly sealRows: number
}

/** Truths in one report; more are sent in several. */
export const TRUTHS_MAX = 100_000

export function createServing(dependencies: ServingDependencies): Serving {
  const { read, log, clock } = dependencies
  const endpoints = createEndpoints(dependencies)
  const meter = trafficMeter()
  const predict = createPredict({ ...dependencies, endpoints, onAnswer: meter.note })
  const scoring = createScoring(dependencies)
  const { seal } = createSealing(dependencies)
  const full = sealer(dependencies)

  return {
    endpoints: {
      list: endpoints.list,
      get: endpoints.get,
      revisions: async (name, page) => read.revisions((await endpoints.get(name)).name, page),
    },
    declareEndpoint: endpoints.declare,
    rollOut: endpoints.rollOut,
    predict,
    describe: async (name, pin) => {
      const { deployment, release } = await endpoints.take(name)
      release()
      return described(deployment.live, pin)
    },
    standings: endpoints.standings,
    statistics: () => [],
    score: scoring.score,
    recordTruths: async (name, truths) => {
      await endpoints.get(name)
      if (truths.length > TRUTHS_MAX)
        throw new Problem('limit', `a report has at most ${TRUTHS_MAX} truths; send several`)
      return log.recordTruths(name, truths, clock.nowMs())
    },
    advance: async (name, timeMs) => {
      await endpoints.get(name)
      return log.advance(name, timeMs)
    },
    predictions: log,
    references: (digests) => log.references(digests),
    traffic: () => meter.traffic(clock.nowMs()),
    readiness: () => {
      const states = endpoints.states()
      return { ready: states.every(({ state }) => state !== 'loading'), endpoints: states }
    },
    seal: async (endpoint, kind) => {
      await seal(endpoint, kind)
      full.forget(endpoint)
    },
    start: async () => {
      await endpoints.restore()
      await full.resume()
    },
    stop: async () => {
      full.stop()
      await Promise.all([endpoints.stop(), scoring.stop()])
    },
  }
}

/** Throws `not-found` when something else is meant than what answers. */
function described({ revision, shape, servable }: Deployed, pin: Pin | undefined): Described {
  const { endpoint, number, version } = revision
  const isMeant =
    pin === undefined ||
    (pin.by === 'version' && pin.version === version) ||
    (pin.by === 'revision' && pin.revision === number)
  if (!isMeant)
    throw new Problem(
      'not-found',
      `endpoint ${endpoint} serves version ${version}, not ${pin.by === 'label' ? pin.label : pin.by === 'version' ? pin.version : `that of revision ${pin.revision}`}`,
    )
  const { columns } = servable
  return { revision, shape, columns, versions: [version], labels: {}, flavor: 'onnx' }
}

/** Has segments sealed when the log holds enough for one. */
function sealer({ log, transact, ids, logger, sealRows }: ServingDependencies) {
  const asked = new Set<string>()
  const enqueue = async (segments: readonly Parameters<typeof sealJob>[0][]) => {
    const jobs = segments
      .filter(({ endpoint, kind }) => !asked.has(`${kind} ${endpoint}`))
      .map((segment) => sealJob(segment, ids.ulid()))
    if (jobs.length === 0) return
    for (const { endpoint, kind } of segments) asked.add(`${kind} ${endpoint}`)
    await transact(({ work }) => work.enqueue(jobs))
  }
  const look = () => {
    log
      .full(sealRows)
      .then(enqueue)
      .catch((error: unknown) => {
        logger.error({ error: messageOf(error) }, 'sealing could not be asked for')
      })
  }
  const stop = log.onGrowth(look)
  return {
    stop,
    forget: (endpoint: string) => {
      asked.delete(`predictions ${endpoint}`)
      asked.delete(`truths ${endpoint}`)
    },
    resume: async () => {
      await enqueue(await log.sealing.underWay())
      look()
    },
  }
}
