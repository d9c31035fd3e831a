import type { Clock } from '#base/clock'
import type { Logger } from '#base/logger'
import { Problem } from '#base/problem'
import { createTurns } from '#base/turns'
import type { Actor, Transact } from '#ledger'
import type { EndpointTable, ModelSource, Plane } from '#inference'
import { sameDeclaration, type Declaration, type Endpoint } from './endpoint.ts'
import * as facts from './facts.ts'
import { checkRedaction } from './redaction.ts'
import { createRollOut, type Gradual, type RollOut, type ServingTx } from './rollout.ts'
import type { RevisionWeight, ServingReads } from './store.ts'
import { dividedTable, type Division } from './divided.ts'
import { createRestoring } from './restoring.ts'
import { emptyTable, overrideOf } from './table.ts'

export interface Endpoints {
  list(): Promise<Endpoint[]>
  /** Throws `not-found`. */
  get(name: string): Promise<Endpoint>
  /** Says what an endpoint is meant to be; saying it again changes nothing. */
  declare(actor: Actor, declaration: Declaration): Promise<Endpoint>
  /**
   * Brings what serves in line with what the endpoint's URIs mean now: the new revision is loaded and has
   * answered before it takes over, and the old one ends when its last request is answered. Throws when the
   * new one does not load or answer; the old one goes on then.
   */
  rollOut(actor: Actor, name: string): Promise<RollOut>
  /**
   * Divides traffic otherwise: what answers is loaded, then `commit` puts it on record, then it is answered by.
   * Throws `not-found` for a revision that there never was.
   */
  divide(name: string, next: Division, commit: () => Promise<void>): Promise<Endpoint>
  /** Divides traffic by hand. Throws `conflict` while it moves step by step. */
  setTraffic(actor: Actor, name: string, weights: readonly RevisionWeight[]): Promise<Endpoint>
  /** It is declared no more. */
  forget(name: string): Promise<void>
  /** Tells the plane what the aliases of its model mean now. */
  relabel(name: string): Promise<void>
  /**
   * Tells the plane of all endpoints, so that what served before the server stopped is loaded again. Those whose
   * files cannot be had are tried again until they can.
   */
  restore(): Promise<void>
  /** Nothing is tried again from now on. */
  stop(): void
}

interface Dependencies<Tx extends ServingTx> {
  readonly read: ServingReads
  readonly transact: Transact<Tx>
  readonly gradual: Gradual<Tx>
  readonly models: ModelSource
  readonly plane: Plane
  readonly clock: Clock
  readonly logger: Logger
}

export function createEndpoints<Tx extends ServingTx>(dependencies: Dependencies<Tx>): Endpoints {
  const { read } = dependencies
  const plane = withoutWaking(dependencies.plane)
  const rollOut = createRollOut({ ...dependencies, plane })
  const tables = new Map<string, EndpointTable>()
  const inTurn = createTurns()
  const get = async (name: string): Promise<Endpoint> => {
    const endpoint = await read.find(name)
    if (endpoint === undefined) throw noEndpoint(name)
    return endpoint
  }
  const { tell, refresh } = telling({ ...dependencies, plane }, { get, tables })
  const rollOutNext = async (actor: Actor, name: string): Promise<RollOut> => {
    try {
      const { outcome, table } = await rollOut(actor, await get(name))
      if (table === undefined) await refresh(name)
      else await tell(table)
      return outcome
    } catch (error) {
      await refresh(name)
      throw error
    }
  }
  const divideNext = divider({ ...dependencies, plane }, { get, tell, tables })
  const restoring = createRestoring({ ...dependencies, plane }, { inTurn, tell, tables })
  return {
    list: () => read.list(),
    get,
    declare: async (actor, declaration) => {
      checkRedaction(declaration)
      await saveDeclaration(dependencies, actor, declaration)
      return inTurn(declaration.name, () => refresh(declaration.name))
    },
    rollOut: async (actor, name) => {
      const endpoint = await get(name)
      if (endpoint.elsewhere === true && actor.kind === 'platform') return 'unchanged'
      assertServed(endpoint)
      return inTurn(name, () => rollOutNext(actor, name))
    },
    divide: async (name, next, commit) => {
      assertServed(await get(name))
      return inTurn(name, () => divideNext(name, next, commit))
    },
    setTraffic: async (actor, name, weights) => {
      const endpoint = await get(name)
      assertServed(endpoint)
      const next = divisionOf(endpoint, weights)
      const record = () => recordDivision(dependencies, actor, { name, next })
      return inTurn(name, () => divideNext(name, next, record))
    },
    forget: (name) =>
      inTurn(name, async () => {
        tables.delete(name)
        await plane.forget(name)
      }),
    relabel: async (name) => void (await inTurn(name, () => refresh(name))),
    ...restoring,
  }
}

/** Tells the plane tables. */
function telling(
  { plane, models }: { plane: Plane; models: ModelSource },
  state: { get(name: string): Promise<Endpoint>; readonly tables: Map<string, EndpointTable> },
) {
  const { get, tables } = state
  const tell = async (table: EndpointTable) => {
    tables.set(table.name, table)
    await plane.tell(table)
  }
  /** Tells what has changed beside the revisions. */
  const refresh = async (name: string): Promise<Endpoint> => {
    const endpoint = await get(name)
    if (endpoint.elsewhere === true) {
      if (tables.delete(name)) await plane.forget(name)
      return endpoint
    }
    const { monitor, log = null, settings = null, failure } = endpoint
    const told = tables.get(name) ?? emptyTable(endpoint)
    const routing = { ...told.routing, override: overrideOf(endpoint) }
    const labels = endpoint.live === null ? {} : await models.labels(endpoint.live.model)
    await tell({ ...told, routing, labels, monitor, log, settings, failure })
    return endpoint
  }
  return { tell, refresh }
}

/** Divides the traffic of an endpoint otherwise, in its turn. */
function divider<Tx extends ServingTx>(
  dependencies: Dependencies<Tx>,
  state: {
    get(name: string): Promise<Endpoint>
    tell(table: EndpointTable): Promise<void>
    readonly tables: ReadonlyMap<string, EndpointTable>
  },
) {
  return async (name: string, next: Division, commit: () => Promise<void>): Promise<Endpoint> => {
    const table = await dividedTable(dependencies, await state.get(name), next)
    const told = state.tables.get(name)
    const isLoaded = next.weights.every(({ revision }) =>
      told?.routing.revisions.some((each) => each.revision === revision),
    )
    // What answers already is loaded: nothing may keep a bad revision from being left.
    if (!isLoaded) await dependencies.plane.prepare(table)
    await commit()
    await state.tell(table)
    return state.get(name)
  }
}

async function recordDivision<Tx extends ServingTx>(
  { transact, gradual }: Dependencies<Tx>,
  actor: Actor,
  { name, next }: { name: string; next: Division },
): Promise<void> {
  await refuseUnderWay(gradual, name)
  await transact(async ({ serving, ledger }) => {
    await serving.saveAnswering(name, next)
    await ledger.append(actor, [facts.trafficDivided({ endpoint: name, weights: next.weights })])
  })
}

/** What is loaded on demand and sleeps is not woken by a rollout; its next request loads the new revision. */
function withoutWaking(plane: Plane): Plane {
  const sleeps = ({ name, settings }: EndpointTable) =>
    settings?.unloaded === true ||
    (settings?.keep === 'on-demand' &&
      plane.standings().find(({ endpoint }) => endpoint === name)?.state !== 'ready')
  return {
    ...plane,
    prepare: async (table) => {
      if (!sleeps(table)) await plane.prepare(table)
    },
  }
}

/** Throws `invalid` for weights that give nobody anything, or name a revision twice. */
function divisionOf({ live, name }: Endpoint, weights: readonly RevisionWeight[]): Division {
  const numbers = new Set(weights.map(({ revision }) => revision))
  const total = weights.reduce((sum, { weight }) => sum + weight, 0)
  const isSound = weights.every(({ weight }) => weight >= 0 && Number.isFinite(weight))
  if (numbers.size !== weights.length || !isSound || !(total > 0 && Number.isFinite(total)))
    throw new Problem(
      'invalid',
      `the traffic of endpoint ${name} needs each revision once, with weights that are not negative and not all 0`,
    )
  const heaviest = weights.reduce((most, each) => (each.weight > most.weight ? each : most))
  const now = weights.find(({ revision }) => revision === live?.number)
  const stays = now !== undefined && now.weight === heaviest.weight
  return { live: stays ? now.revision : heaviest.revision, weights }
}

async function refuseUnderWay<Tx>(gradual: Gradual<Tx>, name: string): Promise<void> {
  const move = await gradual.underWay(name)
  if (move === undefined) return
  throw new Problem(
    'conflict',
    `a rollout of endpoint ${name} from revision ${move.from} to ${move.to} is under way; end it with "orrery rollout abort ${name}" or "orrery rollout finish ${name}" first`,
  )
}

async function saveDeclaration<Tx extends ServingTx>(
  { transact, clock }: Dependencies<Tx>,
  actor: Actor,
  declaration: Declaration,
): Promise<void> {
  await transact(async ({ serving, ledger }) => {
    const before = await serving.find(declaration.name)
    if (before !== undefined && before.project !== declaration.project)
      throw new Problem(
        'exists',
        before.project === ''
          ? `there is an endpoint ${declaration.name} that was made by hand; remove it, or choose another name`
          : `the endpoint ${declaration.name} belongs to the project ${before.project}; choose another name`,
      )
    if (before !== undefined && sameDeclaration(before, declaration)) return
    await serving.declare(declaration, clock.nowMs())
    // What answered there means nothing here, and the other way round.
    if (before !== undefined && (before.elsewhere === true) !== (declaration.elsewhere === true))
      await serving.saveServing(before.name, { live: null, shadowing: [], failure: null })
    await ledger.append(actor, [facts.endpointDeclared(declaration)])
  })
}

/** Throws `conflict` for an endpoint at which other systems answer. */
function assertServed({ name, elsewhere }: Endpoint): void {
  if (elsewhere !== true) return
  throw new Problem(
    'conflict',
    `endpoint ${name} is answered elsewhere, so nothing of it is loaded or routed here; take "elsewhere" out of its declaration to serve it`,
  )
}

function noEndpoint(name: string): Problem {
  return new Problem(
    'not-found',
    `there is no endpoint ${name}; "orrery endpoints" lists those that there are`,
  )
}
