import type { Clock } from '#base/clock'
import type { Ids } from '#base/ids'
import type { Logger } from '#base/logger'
import { messageOf, Problem } from '#base/problem'
import { platformActor, type Actor, type Transact } from '#ledger'
import type { WorkWrites } from '#work'
import { sealJob } from './seal-job.ts'
import type { ModelSource, Plane, Revision, Row, Standing, Value } from '#inference'
import type { Declaration, Endpoint } from './endpoint.ts'
import { createEndpoints, type Endpoints } from './endpoints.ts'
import { servingProcessRestarted } from './facts.ts'
import type {
  ArrivalQueries,
  NewestQueries,
  PredictionLog,
  PredictionQueries,
  RewardQueries,
  ToldRecorded,
  Truth,
  TruthsRecorded,
} from './log.ts'
import type { Gradual, RollOut, ServingTx } from './rollout.ts'
import { createRepository, type EndpointsByHand } from './repository.ts'
import { createSealing, type Sealing } from './sealing.ts'
import type { ServingReads } from './store.ts'
import { createToldProfiles, type ProfileTold } from './told-profiles.ts'
import { createToldRevisions } from './told-revisions.ts'
import { createToldPredictions, type ToldPredictions } from './told.ts'

/** Endpoints and what they predicted: what they are meant to be is known here, what answers is the plane's. */
export interface Serving extends Pick<Plane, 'predict' | 'describe' | 'statistics' | 'traffic'> {
  readonly endpoints: {
    list(): Promise<Endpoint[]>
    /** Throws `not-found`. */
    get(name: string): Promise<Endpoint>
    revisions(name: string, page: { before?: number; limit: number }): Promise<Revision[]>
  }
  /** Says what an endpoint is meant to be; saying it again changes nothing. */
  declareEndpoint(actor: Actor, declaration: Declaration): Promise<Endpoint>
  /** Endpoints made, loaded and let go by hand. */
  repository(actor: Actor): EndpointsByHand
  /** Brings what serves in line with what the endpoint's URIs mean now, losing no request. */
  rollOut(actor: Actor, endpoint: string): Promise<RollOut>
  /** Has the aliases of its model mean what they mean now. */
  readonly relabel: Endpoints['relabel']
  /** Divides the traffic of an endpoint among its revisions. */
  readonly setTraffic: Endpoints['setTraffic']
  /** The same, put on record by the caller. */
  readonly divide: Endpoints['divide']
  /** Runs a model version over rows, apart from all endpoints and unlogged. */
  score(model: string, version: number, rows: readonly Row[]): Promise<Record<string, Value>[]>
  /** How the endpoints stand, as far as this server knows. */
  standings(): Standing[]
  /** Ready when nothing is being loaded. */
  readiness(): {
    ready: boolean
    /** With the reason where one does not answer. */
    endpoints: (Pick<Standing, 'endpoint' | 'state'> & { reason?: string })[]
  }
  /** Keeps what systems have predicted that are watched and not served. */
  readonly recordTold: ToldPredictions['record']
  /** Takes in what predictions of another system looked like. */
  recordToldProfile(actor: Actor, told: ProfileTold): Promise<ToldRecorded>
  /** Keeps what turned out to be true; the last label for a prediction or an entity wins. */
  recordTruths(endpoint: string, truths: readonly Truth[]): Promise<TruthsRecorded>
  /** Says that event time has come so far, though nothing was predicted. Gives how far it has come. */
  advance(endpoint: string, timeMs: number): Promise<number>
  readonly predictions: PredictionQueries & NewestQueries & RewardQueries & ArrivalQueries
  /** How many segments of the log lie in each of these objects. */
  readonly references: PredictionLog['references']
  readonly seal: Sealing['seal']
  /** Puts on record that a process of an endpoint ended unexpectedly and was started again. */
  restarted(endpoint: string, reason: string): void
  /** Takes up what a stop or a crash has left: endpoints are loaded, segments sealed to their end. */
  start(): Promise<void>
  stop(): Promise<void>
}

export interface ServingDependencies<Tx extends ServingTx & { work: WorkWrites }> {
  readonly read: ServingReads
  readonly transact: Transact<Tx>
  /** Without, traffic moves to a new revision at once. */
  readonly gradual?: Gradual<Tx>
  readonly log: PredictionLog
  readonly models: ModelSource
  readonly plane: Plane
  readonly clock: Clock
  readonly ids: Ids
  readonly logger: Logger
  /** Rows of the log that make a segment. */
  readonly sealRows: number
}

/** Truths in one report; more are sent in several. */
export const TRUTHS_MAX = 100_000

const AT_ONCE: Gradual<unknown> = {
  underWay: async () => undefined,
  givenUp: async () => undefined,
  begin: async () => undefined,
  supersede: async () => undefined,
}

export function createServing<Tx extends ServingTx & { work: WorkWrites }>(
  dependencies: ServingDependencies<Tx>,
): Serving {
  const { read, log, clock, models, plane } = dependencies
  const endpoints = createEndpoints({ ...dependencies, gradual: dependencies.gradual ?? AT_ONCE })
  const { seal } = createSealing(dependencies)
  const full = sealer(dependencies)
  // Predictions and profiles of a new version may come at the same moment.
  const told = { log, clock, endpoint: endpoints.get, revisions: createToldRevisions(dependencies) }

  return {
    endpoints: {
      list: endpoints.list,
      get: endpoints.get,
      revisions: async (name, page) => read.revisions((await endpoints.get(name)).name, page),
    },
    declareEndpoint: endpoints.declare,
    repository: createRepository({ ...dependencies, endpoints }),
    rollOut: endpoints.rollOut,
    relabel: endpoints.relabel,
    setTraffic: endpoints.setTraffic,
    divide: endpoints.divide,
    predict: plane.predict,
    describe: plane.describe,
    statistics: plane.statistics,
    traffic: plane.traffic,
    standings: plane.standings,
    readiness: () => readinessOf(plane.standings()),
    score: async (model, version, rows) => {
      const servable = await models.get(model, version)
      const files = await models.place(model, version)
      return plane.score({ servable, files }, rows)
    },
    recordTold: createToldPredictions({ ...told, ids: dependencies.ids }).record,
    recordToldProfile: createToldProfiles(told),
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
    seal: async (endpoint, kind, signal) => {
      await seal(endpoint, kind, signal)
      full.forget(endpoint)
    },
    restarted: (endpoint, reason) => {
      const restarted = servingProcessRestarted({ endpoint, reason: reason.slice(0, 1000) })
      dependencies
        .transact(({ ledger }) => ledger.append(platformActor('serving'), [restarted]))
        .catch((error: unknown) => {
          dependencies.logger.error({ error: messageOf(error) }, 'a restart was not recorded')
        })
    },
    start: async () => {
      // Placing the files of many models takes a while, for which nobody waits.
      endpoints.restore().catch((error: unknown) => {
        dependencies.logger.error({ error: messageOf(error) }, 'endpoints were not restored')
      })
      await full.resume()
    },
    stop: async () => {
      full.stop()
      endpoints.stop()
      await plane.stop()
    },
  }
}

function readinessOf(standings: readonly Standing[]): ReturnType<Serving['readiness']> {
  const endpoints = standings.map(({ endpoint, state, reason }) =>
    reason === null ? { endpoint, state } : { endpoint, state, reason },
  )
  return { ready: endpoints.every(({ state }) => state !== 'loading'), endpoints }
}

/** Has segments sealed when the log holds enough for one. */
function sealer<Tx extends ServingTx & { work: WorkWrites }>({
  log,
  transact,
  ids,
  logger,
  sealRows,
}: ServingDependencies<Tx>) {
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
