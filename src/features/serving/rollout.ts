import type { Clock } from '#base/clock'
import type { Logger } from '#base/logger'
import { messageOf } from '#base/problem'
import type { Actor, Fact, Transact } from '#ledger'
import type { Endpoint } from './endpoint.ts'
import * as facts from './facts.ts'
import {
  versionName,
  type EndpointTable,
  type ModelSource,
  type Plane,
  type Revision,
  type Role,
  type ServableModel,
} from '#inference'
import type { ServingReads, ServingWrites } from './store.ts'
import { tableOf } from './table.ts'

/** `waiting`: the endpoint's URI means no version yet. */
export type RollOut = 'rolled-out' | 'unchanged' | 'waiting'

/** The model versions that an endpoint's URIs mean now. */
export interface Wanted {
  readonly live: ServableModel
  readonly shadows: readonly ServableModel[]
}

/** A revision, and what is known of its model. */
export interface Candidate {
  readonly revision: Revision
  readonly servable: ServableModel
}

/** What is to serve, and which of it is new. */
export interface RollOutPlan {
  readonly live: Candidate
  readonly shadows: readonly Candidate[]
  readonly created: readonly Revision[]
  readonly changed: boolean
}

/** Keeps the revisions that are wanted still and numbers new ones for the rest. */
export function planRollOut(
  endpoint: Endpoint,
  wanted: Wanted,
  { newestNumber, nowMs }: { newestNumber: number; nowMs: number },
): RollOutPlan {
  const created: Revision[] = []
  const candidate = (servable: ServableModel, role: Role): Candidate => {
    const present = role === 'live' ? [endpoint.live] : endpoint.shadowing
    const kept = present.find((revision) => revision !== null && isOf(revision, servable))
    if (kept !== undefined && kept !== null) return { revision: kept, servable }
    const revision: Revision = {
      endpoint: endpoint.name,
      number: newestNumber + created.length + 1,
      role,
      model: servable.model,
      version: servable.version,
      digest: servable.digest,
      createdMs: nowMs,
    }
    created.push(revision)
    return { revision, servable }
  }
  const live = candidate(wanted.live, 'live')
  const shadows = wanted.shadows.map((servable) => candidate(servable, 'shadow'))
  const changed = created.length > 0 || shadows.length !== endpoint.shadowing.length
  return { live, shadows, created, changed }
}

function isOf(revision: Revision, { model, version, digest }: ServableModel): boolean {
  return revision.model === model && revision.version === version && revision.digest === digest
}

/** Decides what is to serve, has the plane load it, and puts it on record; the plane is told by the caller. */
export function createRollOut(dependencies: {
  read: ServingReads
  transact: Transact<{ serving: ServingWrites }>
  models: ModelSource
  plane: Plane
  clock: Clock
  logger: Logger
}): (
  actor: Actor,
  endpoint: Endpoint,
) => Promise<{ outcome: RollOut; table: EndpointTable | undefined }> {
  const { read, transact, models, plane, clock, logger } = dependencies
  return async (actor, endpoint) => {
    const wanted = await wantedModels(models, endpoint, logger)
    if (wanted === undefined) return { outcome: 'waiting', table: undefined }
    const [newest] = await read.revisions(endpoint.name, { limit: 1 })
    const newestNumber = newest?.number ?? 0
    const plan = planRollOut(endpoint, wanted, { newestNumber, nowMs: clock.nowMs() })
    const table = await prepared(dependencies, endpoint, plan).catch(async (error: unknown) => {
      const reason = messageOf(error)
      await transact((tx) => recordFailure(tx, actor, { endpoint, plan, reason }))
      throw error
    })
    if (!plan.changed) return { outcome: 'unchanged', table }
    await transact((tx) => record(tx, actor, { endpoint, plan })).catch(async (error: unknown) => {
      await plane.discard(endpoint.name)
      throw error
    })
    return { outcome: 'rolled-out', table }
  }
}

/** Has all that is to serve placed, loaded and warmed up. */
async function prepared(
  { models, plane, logger }: { models: ModelSource; plane: Plane; logger: Logger },
  endpoint: Endpoint,
  plan: RollOutPlan,
): Promise<EndpointTable> {
  const table = await tableOf(models, endpoint, plan, logger)
  await plane.prepare(table)
  return table
}

async function wantedModels(
  models: ModelSource,
  endpoint: Endpoint,
  logger: Logger,
): Promise<Wanted | undefined> {
  const live = await models.resolve(endpoint.model)
  if (live === undefined) return undefined
  const shadows = new Map<string, ServableModel>()
  for (const uri of endpoint.shadows) {
    const shadow = await models.resolve(uri).catch((error: unknown) => {
      logger.warn({ uri, error: messageOf(error) }, 'a shadow is passed over')
      return undefined
    })
    if (shadow !== undefined) shadows.set(versionName(shadow), shadow)
  }
  return { live, shadows: [...shadows.values()] }
}

type Tx = Parameters<Parameters<Transact<{ serving: ServingWrites }>>[0]>[0]

async function record(
  { serving, ledger }: Tx,
  actor: Actor,
  { endpoint, plan }: { endpoint: Endpoint; plan: RollOutPlan },
): Promise<void> {
  const { live, shadows, created } = plan
  await serving.addRevisions(created)
  await serving.saveServing(endpoint.name, {
    live: live.revision.number,
    shadowing: shadows.map(({ revision }) => revision.number),
    failure: null,
  })
  const happened: Fact[] = created.map(facts.revisionCreated)
  if (created.includes(live.revision))
    happened.push(facts.rolloutCompleted(live.revision, endpoint.live))
  await ledger.append(actor, happened)
}

async function recordFailure(
  { serving, ledger }: Tx,
  actor: Actor,
  { endpoint, plan, reason }: { endpoint: Endpoint; plan: RollOutPlan; reason: string },
): Promise<void> {
  const told = reason.slice(0, 2000)
  await serving.saveServing(endpoint.name, {
    live: endpoint.live?.number ?? null,
    shadowing: endpoint.shadowing.map(({ number }) => number),
    failure: told,
  })
  const modelVersion = versionName(plan.live.revision)
  await ledger.append(actor, [
    facts.rolloutFailed({ endpoint: endpoint.name, modelVersion, reason: told }),
  ])
}
