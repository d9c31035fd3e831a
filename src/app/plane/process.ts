import { join } from 'node:path'
import { pino } from 'pino'
import { systemClock } from '#base/clock'
import { randomFraction, randomIds } from '#base/ids'
import { invariant } from '#base/invariant'
import type { Logger } from '#base/logger'
import { messageOf } from '#base/problem'
import type { RpcService } from '#base/rpc'
import { giveBackAtRest } from '#base/young-memory'
import type { Explain } from '#explanations'
import {
  createPlane,
  type EndpointTable,
  type LocalPlane,
  type Repository,
  type Standing,
} from '#inference'
import type { Family } from '#protocols/prometheus/index'
import { openJournal } from '#stores/journal/index'
import { openRecorded } from '#stores/predictions/recorded'
import { startGrpc, type GrpcServer } from '../listening/grpc.ts'
import { modelRuntimes } from '../serving/runtimes.ts'
import { VERSION } from '../version.ts'
import { openChannel } from './channel.ts'
import { channelExplain, planeExplanations } from './explanations.ts'
import { createListener, listen } from './listener.ts'
import type { Addresses, PlaneCalls, PlaneSettings, ServerCalls } from './messages.ts'
import { memoryBudget, memoryOf } from './memory.ts'
import {
  directRoutes,
  mountPredictionProtocols,
  predictionServices,
  type ProtocolParts,
} from './protocols.ts'
import { endWithParent } from './parent.ts'
import { countedIn } from './usage.ts'
import { mountMetrics, watchersOf } from './watchers.ts'

// The entry of the serving plane: answers predictions, apart from the server and without its database. It is told
// what serves over its channel, and ends when that closes.

const LOOK_MS = 250
/** So often the server is told how revisions that share traffic do. */
const PULSE_MS = 1000

interface Running {
  readonly plane: LocalPlane
  readonly explanations: Explain
  /** What was told, by endpoint. */
  readonly tables: Map<string, EndpointTable>
  readonly addresses: Addresses
  metrics(): Promise<Family[]>
  stop(): Promise<void>
}

let running: Running | undefined
const begun = (): Running => {
  invariant(running !== undefined, 'the plane is begun before it is asked')
  return running
}
const plane = (): LocalPlane => begun().plane

const ours: PlaneCalls = {
  begin: async (settings, before, tables) => {
    running = await begin(settings, before)
    for (const table of tables) await ours.tell(table)
    giveBackAtRest()
    return running.addresses
  },
  prepare: (table) => plane().prepare(table),
  discard: (name) => plane().discard(name),
  tell: async (table) => {
    begun().tables.set(table.name, table)
    await plane().tell(table)
  },
  forget: async (name) => {
    begun().tables.delete(name)
    await plane().forget(name)
  },
  complete: () => plane().complete(),
  drain: () => plane().drain(),
  predict: (name, request) => plane().predict(name, request),
  describe: (name, pin) => plane().describe(name, pin),
  score: (placed, rows) => plane().score(placed, rows),
  statistics: (name) => plane().statistics(name),
  traffic: () => plane().traffic(),
  recent: (name) => plane().recent(name),
  memory: () => memoryOf(plane()),
  metrics: () => begun().metrics(),
  usage: () => countedIn(plane()),
  ...channelExplain(() => begun().explanations),
  ping: () => undefined,
  stop: async () => running?.stop(),
}

const { theirs: server } = openChannel<ServerCalls>(process, ours)
endWithParent()

async function begin(settings: PlaneSettings, before: Addresses | undefined): Promise<Running> {
  const { host, logLevel, inferenceTimeoutMs: timeoutMs } = settings
  const logger = pino({ level: logLevel }, pino.destination({ dest: 2, sync: false }))
  const journal = openPlaneJournal(settings, logger)
  const tellStandings = teller()
  const made = createPlane({
    log: journal,
    runtime: modelRuntimes(settings, logger),
    clock: systemClock,
    ids: randomIds,
    logger,
    timeoutMs,
    draws: randomFraction,
    memory: memoryBudget(settings),
    onRestart: (endpoint, reason) => void server.restarted(endpoint, reason),
    onChange: () => tellStandings(made.standings()),
  })
  setInterval(() => tellStandings(made.standings()), LOOK_MS)
  setInterval(() => {
    const pulses = made.pulses()
    if (pulses.length > 0) server.pulse(pulses).catch(() => undefined)
  }, PULSE_MS)
  const tables = new Map<string, EndpointTable>()
  const explanations = planeExplanations(made, tables)
  const { http, answerDirectly, admission } = createListener({
    ...settings,
    logger,
    ids: randomIds,
  })
  const watchers = watchersOf(settings, { http, logger })
  const parts: ProtocolParts = {
    inference: watchers.inference(made),
    repository: serverRepository,
    explanations,
    journal,
    ...(settings.defaultEndpoint === '' ? {} : { defaultEndpoint: settings.defaultEndpoint }),
    version: VERSION,
    bodyBytesMax: settings.bodyBytesMax,
  }
  const metrics = await mountMetrics(http, made, journal)
  await mountPredictionProtocols(http, parts)
  if (watchers.areAway) answerDirectly(directRoutes(parts), metrics.onAnswer)
  const port = await listen(http, { host, port: before?.port ?? settings.servingPort, logger })
  const services = watchers.services(predictionServices(parts))
  const grpc = await startPlaneGrpc(parts, settings, {
    services,
    hold: admission.hold,
    logger,
    port: before?.grpcPort ?? settings.grpcPort,
  })
  return {
    plane: made,
    explanations,
    tables,
    addresses: { port, grpcPort: grpc.port },
    metrics: metrics.read,
    stop: async () => {
      made.drain()
      const late = setTimeout(() => http.server.closeAllConnections(), settings.drainMs)
      await Promise.all([http.close(), grpc.stop(settings.drainMs)])
      clearTimeout(late)
      await Promise.all([made.stop(), watchers.stop()])
      await journal.close()
    },
  }
}

/** What is declared is the server's, which keeps it on record. */
const serverRepository: Repository = {
  index: () => server.index(),
  load: (endpoint, options) => server.load(endpoint, options),
  unload: (endpoint) => server.unload(endpoint),
  remove: (endpoint) => server.remove(endpoint),
}

async function startPlaneGrpc(
  parts: ProtocolParts,
  { host, bodyBytesMax }: PlaneSettings,
  {
    logger,
    port,
    ...how
  }: {
    services: readonly RpcService[]
    hold: (bytes: number) => () => void
    logger: Logger
    port: number
  },
): Promise<GrpcServer> {
  const options = {
    ...how,
    host,
    messageBytesMax: bodyBytesMax,
    isReady: () => parts.inference.readiness().ready,
  }
  const world = { clock: systemClock, logger }
  try {
    return await startGrpc(world, { ...options, port })
  } catch (error) {
    if (port === 0) throw error
    logger.error({ port, reason: messageOf(error) }, 'gRPC is answered on a free port')
    return startGrpc(world, { ...options, port: 0 })
  }
}

/** What was answered, kept by this process; the server takes it over into its log. */
function openPlaneJournal({ home, journalSyncMs }: PlaneSettings, logger: Logger) {
  const recorded = openRecorded({
    file: join(home, 'predictions.db'),
    sealed: (id) => server.findBatch(id),
  })
  const journal = openJournal({
    folder: join(home, 'journal'),
    ingested: recorded,
    syncMs: journalSyncMs,
    logger,
  })
  return {
    ...journal,
    close: async () => {
      await journal.close()
      recorded.close()
    },
  }
}

/** Tells the server how endpoints stand, when that has changed. */
function teller(): (standings: readonly Standing[]) => void {
  let told = '[]'
  return (standings) => {
    const text = JSON.stringify(standings)
    if (text === told) return
    told = text
    server.stand(standings).catch(() => undefined)
  }
}
