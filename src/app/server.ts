import type { FastifyInstance } from 'fastify'
import { pino } from 'pino'
import { systemClock, type Clock } from '#base/clock'
import { randomIds, type Ids } from '#base/ids'
import type { Logger } from '#base/logger'
import { messageOf, Problem } from '#base/problem'
import { openLedger, startFollowers } from '#ledger'
import { openSqlStore } from '#stores/sql/index'
import { startWorker } from '#work'
import { databaseOf, type Config } from './settings/config.ts'
import { createFeatures, type Parts } from './features.ts'
import type { Ground } from './ground.ts'
import { followersOf } from './followers.ts'
import { isLoopback, requestGuard } from './listening/guard.ts'
import { handlersOf, mayTake } from './handlers.ts'
import { takeHome } from './home/home.ts'
import { createHttp } from './listening/http.ts'
import { passOnToLeader } from './listening/pass-to-leader.ts'
import { signingKey } from './home/keys.ts'
import { watchWindows } from './monitoring/monitors.ts'
import { watchTriggers } from './automation/policies.ts'
import { openPlaces } from './home/places.ts'
import { watchLogs } from './outgoing/shipping.ts'
import { addressOf, assertPortIsFree, drain, listen } from './listening/port.ts'
import { mountProtocols } from './protocols.ts'
import { sharing, sweepPeriodically } from './data/retention.ts'
import { replicasOf } from './replicas.ts'
import { openKeys } from './home/shared-keys.ts'
import { watchUsage } from './monitoring/usage.ts'
import { VERSION } from './version.ts'

export interface Server {
  readonly url: string
  readonly http: FastifyInstance
  /** Answers what is open, stops the work, and closes the stores, in that order. */
  stop(): Promise<void>
  /** Resolves, with the reason, when the server can do nothing more and has to be stopped. */
  readonly dismissed: Promise<string>
}

const CHECKPOINT_MS = 1000

/** Builds the whole server and starts it: plain calls, top to bottom; `stop` undoes them in reverse. */
export async function startServer(
  config: Config,
  world: { clock?: Clock; ids?: Ids; logger?: Logger } = {},
): Promise<Server> {
  const clock = world.clock ?? systemClock
  const ids = world.ids ?? randomIds
  const logger = world.logger ?? loggerOf(config)
  refuseOpenDoors(config)

  const undo: (() => Promise<void> | void)[] = []
  const stop = async () => {
    for (const step of undo.splice(0).toReversed()) await step()
  }
  try {
    const home = await takeHome(config.home)
    undo.push(home.release)
    const store = await openSqlStore(databaseOf(config), { clock, ids })
    undo.push(store.close)
    const places = sharing(await openPlaces(config, clock), store)
    const keys = await openKeys(store, config)
    const { transact } = store
    const key = signingKey(keys.ledger)
    const ledger = await openLedger({ read: store.read.ledger, transact, clock, key })
    undo.push(async () => void (await ledger.checkpoint()))
    let url = ''
    const dismissal = Promise.withResolvers<string>()
    const here = { config, store, clock, ids, logger, url: () => url, homeId: home.id }
    const replicas = replicasOf(here, {
      onLead: async () => {
        parts.plane.start()
        await parts.serving.start()
      },
      onDismissal: dismissal.resolve,
    })
    const ground: Ground = {
      config,
      url: () => url,
      replicas,
      clock,
      ids,
      logger,
      store,
      ...places,
      ledger,
      seal: keys.seal,
      onStop: (step) => void undo.push(step),
    }
    const parts = { ...ground, ...createFeatures(ground) }
    await parts.tracking.experiments.ensureDefault()
    await assertPortIsFree(config)
    // Nobody else can lead here, so its process need not wait until this one listens.
    if (!store.isShared) parts.plane.start()

    const settle = Promise.withResolvers<() => Promise<void>>()
    const allowedHosts = config.allowedHosts.split(',').filter(Boolean)
    const http = createHttp({ logger, ids, bodyBytesMax: config.bodyBytesMax, allowedHosts })
    passOnToLeader(http, replicas, requestGuard(allowedHosts))
    await mountProtocols(http, parts, async () => (await settle.promise)())
    await listen(http, config)
    undo.push(() => drain(http, config.drainMs))
    url = addressOf(http, config.host)
    await home.announce({ pid: process.pid, url })

    settle.resolve((await startBackground(parts)).settled)
    await lookPeriodically(ground, parts)
    // The first step of a stop: whoever asks whether it is ready sends new callers elsewhere from then on.
    undo.push(() => void parts.plane.drain())
    logger.info({ url, home: config.home, version: VERSION }, 'serving')
    return { url, http, stop, dismissed: dismissal.promise }
  } catch (error) {
    await stop()
    throw error
  }
}

/** What nobody asks for and no fact tells of. */
async function lookPeriodically(ground: Ground, parts: Parts): Promise<void> {
  watchWindows(ground, parts)
  watchTriggers(ground, parts)
  watchLogs(ground, parts)
  watchUsage(ground, parts)
  await sweepPeriodically(ground, parts.retention)
}

function refuseOpenDoors({ host }: Config): void {
  if (isLoopback(host)) return
  throw new Problem(
    'invalid',
    `refusing to listen on ${host}: there is no authentication yet, so only loopback is safe; use --host 127.0.0.1`,
  )
}

/** Followers, the worker and the signing of heads; each is undone by a stop. */
async function startBackground(parts: Parts): Promise<{ settled(): Promise<void> }> {
  const { store, clock, logger, ledger, replicas, onStop } = parts
  // Where one process owns the database, whatever was leased belonged to one that is gone; elsewhere the others see to it.
  if (!store.isShared) await store.transact(({ work }) => work.releaseAll())
  onStop(replicas.stop)
  await replicas.start()
  const worker = startWorker({
    handlers: handlersOf(parts),
    transact: store.transact,
    clock,
    owner: replicas.id,
    mayTake: mayTake(parts),
    logger,
  })
  onStop(worker.stop)
  onStop(store.onNewWork(worker.wake))
  const following = startFollowers({
    followers: followersOf(parts),
    read: store.read.ledger,
    transact: store.transact,
    onGrowth: store.onGrowth,
    logger,
  })
  onStop(following.stop)
  onStop(signPeriodically(ledger, logger))
  return following
}

function signPeriodically(ledger: { checkpoint(): Promise<string> }, logger: Logger): () => void {
  const timer = setInterval(() => {
    ledger
      .checkpoint()
      .catch((error: unknown) =>
        logger.error({ error: messageOf(error) }, 'could not sign the ledger'),
      )
  }, CHECKPOINT_MS)
  return () => clearInterval(timer)
}

function loggerOf({ logLevel }: Config): Logger {
  return pino({ level: logLevel }, pino.destination({ dest: 2, sync: false }))
}
