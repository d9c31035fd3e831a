import type { Clock } from '#base/clock'
import type { Logger } from '#base/logger'
import { messageOf, Problem } from '#base/problem'
import type { Actor, Transact } from '#ledger'
import type { EndpointTable, ModelSource, Plane, Revision } from '#inference'
import { sameDeclaration, type Declaration, type Endpoint } from './endpoint.ts'
import * as facts from './facts.ts'
import { createRollOut, type Candidate, type RollOut } from './rollout.ts'
import type { ServingReads, ServingWrites } from './store.ts'
import { emptyTable, tableOf } from './table.ts'

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
  /** Tells the plane of all endpoints, so that what served before the server stopped is loaded again. */
  restore(): Promise<void>
}

interface Dependencies {
  readonly read: ServingReads
  readonly transact: Transact<{ serving: ServingWrites }>
  readonly models: ModelSource
  readonly plane: Plane
  readonly clock: Clock
  readonly logger: Logger
}

export function createEndpoints(dependencies: Dependencies): Endpoints {
  const { read, plane } = dependencies
  const rollOut = createRollOut(dependencies)
  const tables = new Map<string, EndpointTable>()
  /** Changes of one endpoint come one after the other. */
  const turns = new Map<string, Promise<unknown>>()
  const inTurn = <Result>(name: string, work: () => Promise<Result>): Promise<Result> => {
    const result = (turns.get(name) ?? Promise.resolve()).then(work)
    turns.set(
      name,
      result.catch(() => undefined),
    )
    return result
  }
  const get = async (name: string): Promise<Endpoint> => {
    const endpoint = await read.find(name)
    if (endpoint === undefined) throw noEndpoint(name)
    return endpoint
  }
  const tell = async (table: EndpointTable) => {
    tables.set(table.name, table)
    await plane.tell(table)
  }
  /** Tells what has changed beside the revisions. */
  const refresh = async (name: string): Promise<Endpoint> => {
    const endpoint = await get(name)
    const { monitor, log = null, failure } = endpoint
    const told = tables.get(name) ?? emptyTable(endpoint)
    await tell({ ...told, monitor, log, failure })
    return endpoint
  }
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
  const restoreOne = async (endpoint: Endpoint) => {
    // A rollout may have been quicker.
    if (tables.has(endpoint.name)) return
    await tell(await servedTable(dependencies, endpoint))
  }

  return {
    list: () => read.list(),
    get,
    declare: async (actor, declaration) => {
      await saveDeclaration(dependencies, actor, declaration)
      return inTurn(declaration.name, () => refresh(declaration.name))
    },
    rollOut: async (actor, name) => {
      await get(name)
      return inTurn(name, () => rollOutNext(actor, name))
    },
    restore: async () => {
      for (const endpoint of await read.list())
        await inTurn(endpoint.name, () => restoreOne(endpoint))
      await plane.complete()
    },
  }
}

/** The table of what serves by the records. */
async function servedTable(
  { models, logger }: Dependencies,
  endpoint: Endpoint,
): Promise<EndpointTable> {
  const { live, shadowing, name } = endpoint
  if (live === null) return emptyTable(endpoint)
  const candidate = async (revision: Revision): Promise<Candidate> => ({
    revision,
    servable: await models.get(revision.model, revision.version),
  })
  try {
    const shadows = await Promise.all(shadowing.map(candidate))
    const table = await tableOf(models, endpoint, { live: await candidate(live), shadows }, logger)
    return { ...table, failure: endpoint.failure }
  } catch (error) {
    const failure = messageOf(error)
    logger.error({ endpoint: name, error: failure }, 'what served cannot be placed')
    return { ...emptyTable(endpoint), failure }
  }
}

async function saveDeclaration(
  { transact, clock }: Dependencies,
  actor: Actor,
  declaration: Declaration,
): Promise<void> {
  await transact(async ({ serving, ledger }) => {
    const before = await serving.find(declaration.name)
    if (before !== undefined && before.project !== declaration.project)
      throw new Problem(
        'exists',
        `the endpoint ${declaration.name} belongs to the project ${before.project}; choose another name`,
      )
    if (before !== undefined && sameDeclaration(before, declaration)) return
    await serving.declare(declaration, clock.nowMs())
    await ledger.append(actor, [facts.endpointDeclared(declaration)])
  })
}

function noEndpoint(name: string): Problem {
  return new Problem(
    'not-found',
    `there is no endpoint ${name}; "orrery endpoints" lists those that there are`,
  )
}
