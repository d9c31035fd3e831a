import type { Clock } from '#base/clock'
import type { Logger } from '#base/logger'
import { messageOf, Problem } from '#base/problem'
import { platformActor, type Actor, type Transact } from '#ledger'
import {
  deploy,
  within,
  type Candidate,
  type Deployment,
  type ModelSource,
  type Runtime,
  type Standing,
  type State,
  type Taken,
} from '#inference'
import { sameDeclaration, type Declaration, type Endpoint } from './endpoint.ts'
import * as facts from './facts.ts'
import { createRollOut, notReady, type RollOut } from './rollout.ts'
import type { ServingReads, ServingWrites } from './store.ts'

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
   * What serves now, held until `release` is called. Waits while it is being loaded. Throws `not-found`,
   * or `unavailable` while there is nothing that could answer.
   */
  take(name: string): Promise<Taken>
  /** Loads again what served before the server stopped, in the background. */
  restore(): Promise<void>
  /** How the endpoints stand that this server has seen. */
  states(): { endpoint: string; state: State }[]
  standings(): Standing[]
  stop(): Promise<void>
}

interface Dependencies {
  readonly read: ServingReads
  readonly transact: Transact<{ serving: ServingWrites }>
  readonly models: ModelSource
  readonly runtime: Runtime
  readonly clock: Clock
  readonly logger: Logger
  readonly timeoutMs: number
}

const RETRY_FIRST_MS = 500
const RETRY_MS_MAX = 60_000

/** An endpoint as this server has it. */
interface Slot {
  endpoint: Endpoint
  deployment: Deployment | undefined
  /** The load that is under way of what served before a start of the server. */
  loading: Promise<void> | undefined
  /** Rollouts of one endpoint come one after the other. */
  turn: Promise<unknown>
}

export function createEndpoints(dependencies: Dependencies): Endpoints {
  const { read, logger, timeoutMs } = dependencies
  const { slots, slotOf, refresh } = slotTable(read)
  const stopping = new AbortController()
  const open = opener(dependencies)
  const rollOut = createRollOut({ ...dependencies, open })

  const rollOutNext = async (actor: Actor, slot: Slot): Promise<RollOut> => {
    await refresh(slot)
    const present = { endpoint: slot.endpoint, isDeployed: slot.deployment !== undefined }
    const { outcome, deployment } = await rollOut(actor, present).finally(() => refresh(slot))
    if (deployment === undefined) return outcome
    if (stopping.signal.aborted) await deployment.retire()
    else replace(slot, deployment)
    return outcome
  }
  const replace = (slot: Slot, deployment: Deployment) => {
    const old = slot.deployment
    slot.deployment = deployment
    // Nobody waits for the old one's last requests; they were promised their answers.
    old?.retire().catch((error: unknown) => {
      logger.warn({ error: messageOf(error) }, 'a serving process could not be ended')
    })
  }

  const load = (slot: Slot): Promise<void> => {
    slot.loading ??= reload({ ...dependencies, open }, slot, stopping.signal).finally(() => {
      slot.loading = undefined
    })
    return slot.loading
  }

  return {
    list: () => read.list(),
    get: async (name) => refresh(await slotOf(name)),
    declare: async (actor, declaration) => {
      await saveDeclaration(dependencies, actor, declaration)
      return refresh(await slotOf(declaration.name))
    },
    rollOut: async (actor, name) => {
      const slot = await slotOf(name)
      const result = slot.turn.then(() => rollOutNext(actor, slot))
      slot.turn = result.catch(() => undefined)
      return result
    },
    take: async (name) => {
      const slot = await slotOf(name)
      if (slot.deployment === undefined && slot.endpoint.live !== null)
        await within(load(slot), timeoutMs)
      const { deployment, endpoint } = slot
      if (deployment === undefined) throw notReady(endpoint)
      return { endpoint, deployment, release: deployment.hold() }
    },
    restore: async () => {
      for (const { name } of await read.list()) {
        const slot = await slotOf(name)
        if (slot.deployment === undefined) void load(slot)
      }
    },
    states: () =>
      [...slots.values()].map((slot) => ({ endpoint: slot.endpoint.name, state: stateOf(slot) })),
    standings: () => [...slots.values()].map(standingOf),
    stop: async () => {
      stopping.abort()
      await Promise.allSettled(
        [...slots.values()].map(async (slot) => slot.deployment?.process.stop()),
      )
    },
  }
}

function slotTable(read: ServingReads) {
  const slots = new Map<string, Slot>()
  return {
    slots,
    slotOf: async (name: string): Promise<Slot> => {
      const known = slots.get(name)
      if (known !== undefined) return known
      const endpoint = await read.find(name)
      if (endpoint === undefined)
        throw new Problem(
          'not-found',
          `there is no endpoint ${name}; "orrery endpoints" lists those that there are`,
        )
      const slot = slots.get(name) ?? {
        endpoint,
        deployment: undefined,
        loading: undefined,
        turn: Promise.resolve(),
      }
      slots.set(name, slot)
      return slot
    },
    refresh: async (slot: Slot): Promise<Endpoint> => {
      slot.endpoint = (await read.find(slot.endpoint.name)) ?? slot.endpoint
      return slot.endpoint
    },
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

function opener(dependencies: Dependencies) {
  const { transact, logger } = dependencies
  return (live: Candidate, shadows: readonly Candidate[]): Promise<Deployment> => {
    const { endpoint } = live.revision
    const onRestart = (reason: string) => {
      const restarted = facts.servingProcessRestarted({ endpoint, reason: reason.slice(0, 1000) })
      transact(({ ledger }) => ledger.append(platformActor('serving'), [restarted])).catch(
        (error: unknown) => {
          logger.error({ error: messageOf(error) }, 'a restart could not be recorded')
        },
      )
    }
    return deploy(dependencies, { live, shadows, onRestart })
  }
}

/** Loads what served before the server stopped, as often as it takes. */
async function reload(
  { models, logger, open }: Dependencies & { open: ReturnType<typeof opener> },
  slot: Slot,
  stopping: AbortSignal,
): Promise<void> {
  const { live, shadowing, name } = slot.endpoint
  if (live === null) return
  const candidate = async (revision: Candidate['revision']): Promise<Candidate> => ({
    revision,
    servable: await models.get(revision.model, revision.version),
  })
  for (let waitMs = RETRY_FIRST_MS; ; waitMs = Math.min(2 * waitMs, RETRY_MS_MAX)) {
    try {
      const deployment = await open(
        await candidate(live),
        await Promise.all(shadowing.map(candidate)),
      )
      // A rollout may have been quicker, and a stop may have come.
      if (stopping.aborted || slot.deployment !== undefined) await deployment.retire()
      else slot.deployment = deployment
      return
    } catch (error) {
      logger.error(
        { endpoint: name, error: messageOf(error), waitMs },
        'an endpoint could not be loaded; it is tried again',
      )
      await new Promise((resolve) => setTimeout(resolve, waitMs).unref())
      if (stopping.aborted || slot.deployment !== undefined) return
    }
  }
}

function standingOf(slot: Slot): Standing {
  const { name, failure, live } = slot.endpoint
  const reason = slot.deployment === undefined ? failure : null
  return { endpoint: name, state: stateOf(slot), reason, revision: live }
}

function stateOf({ endpoint, deployment, loading }: Slot): State {
  if (deployment !== undefined) return deployment.process.state === 'ready' ? 'ready' : 'loading'
  if (loading !== undefined && endpoint.live !== null) return 'loading'
  return endpoint.live === null && endpoint.failure === null ? 'undeployed' : 'failed'
}
