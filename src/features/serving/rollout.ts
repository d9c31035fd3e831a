import type { Clock } from '#base/clock'
import type { Logger } from '#base/logger'
import { messageOf, Problem } from '#base/problem'
import type { Actor, Fact, Transact } from '#ledger'
import type { Endpoint } from './endpoint.ts'
import * as facts from './facts.ts'
import {
  versionName,
  type Candidate,
  type Deployment,
  type ModelSource,
  type Revision,
  type Role,
  type ServableModel,
} from '#inference'
import type { ServingReads, ServingWrites } from './store.ts'

/** `waiting`: the endpoint's URI means no version yet. */
export type RollOut = 'rolled-out' | 'unchanged' | 'waiting'

/** The model versions that an endpoint's URIs mean now. */
export interface Wanted {
  readonly live: ServableModel
  readonly shadows: readonly ServableModel[]
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

export function createRollOut(dependencies: {
  read: ServingReads
  transact: Transact<{ serving: ServingWrites }>
  models: ModelSource
  clock: Clock
  logger: Logger
  open: (live: Candidate, shadows: readonly Candidate[]) => Promise<Deployment>
}): (
  actor: Actor,
  present: { endpoint: Endpoint; isDeployed: boolean },
) => Promise<{ outcome: RollOut; deployment: Deployment | undefined }> {
  const { read, transact, models, clock, logger, open } = dependencies
  return async (actor, { endpoint, isDeployed }) => {
    const wanted = await wantedModels(models, endpoint, logger)
    if (wanted === undefined) return { outcome: 'waiting', deployment: undefined }
    const [newest] = await read.revisions(endpoint.name, { limit: 1 })
    const newestNumber = newest?.number ?? 0
    const plan = planRollOut(endpoint, wanted, { newestNumber, nowMs: clock.nowMs() })
    if (!plan.changed && isDeployed) return { outcome: 'unchanged', deployment: undefined }
    const deployment = await open(plan.live, plan.shadows).catch(async (error: unknown) => {
      await transact((tx) => recordFailure(tx, actor, { endpoint, plan, reason: messageOf(error) }))
      throw error
    })
    if (!plan.changed) return { outcome: 'unchanged', deployment }
    await transact((tx) => record(tx, actor, { endpoint, plan })).catch(async (error: unknown) => {
      await deployment.retire()
      throw error
    })
    return { outcome: 'rolled-out', deployment }
  }
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

/** Why an endpoint without a deployment cannot answer. */
export function notReady({ name, live, failure }: Endpoint): Problem {
  const why =
    live !== null
      ? `version ${versionName(live)} is being loaded`
      : failure === null
        ? 'no model version is deployed to it yet'
        : `its first rollout failed: ${failure}`
  return new Problem('unavailable', `endpoint ${name} cannot answer: ${why}; try again later`)
}
