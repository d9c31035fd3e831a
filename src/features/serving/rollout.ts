import type { Clock } from '#base/clock'
import type { Logger } from '#base/logger'
import { messageOf } from '#base/problem'
import type { Actor, Fact, LedgerWrites, Transact } from '#ledger'
import {
  versionName,
  type EndpointTable,
  type ModelSource,
  type Plane,
  type ServableModel,
} from '#inference'
import type { Endpoint } from './endpoint.ts'
import * as facts from './facts.ts'
import { isOf, planRollOut, type RollOutPlan, type Situation, type Wanted } from './plan.ts'
import type { RevisionWeight, ServingReads, ServingWrites } from './store.ts'
import { tableOf } from './table.ts'

/** `waiting`: the endpoint's URI means no version yet. `given-up`: it means one that a guard or a person has given up. */
export type RollOut = 'rolled-out' | 'begun' | 'unchanged' | 'waiting' | 'given-up'

/** What serving changes in one transaction. */
export interface ServingTx {
  readonly serving: ServingWrites
  readonly ledger: LedgerWrites
}

/** How traffic moves step by step: known to a feature below. */
export interface Gradual<Tx> {
  /** The move that is under way. */
  underWay(endpoint: string): Promise<{ from: number; to: number } | undefined>
  /** The revision that the newest move led to, if it was given up. */
  givenUp(endpoint: string): Promise<number | undefined>
  /** Puts the beginning of a move on record. */
  begin(tx: Tx, actor: Actor, move: { endpoint: Endpoint; from: number; to: number }): Promise<void>
  /** What is under way is not gone on with. */
  supersede(tx: Tx, actor: Actor, endpoint: string): Promise<void>
}

/** Decides what is to serve, has the plane load it, and puts it on record; the plane is told by the caller. */
export function createRollOut<Tx extends ServingTx>(dependencies: {
  read: ServingReads
  transact: Transact<Tx>
  models: ModelSource
  plane: Plane
  gradual: Gradual<Tx>
  clock: Clock
  logger: Logger
}): (
  actor: Actor,
  endpoint: Endpoint,
) => Promise<{ outcome: RollOut; table: EndpointTable | undefined }> {
  const { transact, models, plane, gradual, logger } = dependencies
  return async (actor, endpoint) => {
    const wanted = await wantedModels(models, endpoint, logger)
    if (wanted === undefined) return { outcome: 'waiting', table: undefined }
    if (actor.kind === 'platform' && (await isGivenUp(dependencies, endpoint, wanted)))
      return { outcome: 'given-up', table: undefined }
    const plan = planRollOut(endpoint, wanted, await situationOf(dependencies, endpoint))
    const table = await prepared(dependencies, endpoint, plan).catch(async (error: unknown) => {
      const reason = messageOf(error)
      await transact((tx) => recordFailure(tx, actor, { endpoint, plan, reason }))
      throw error
    })
    if (!plan.changed) return { outcome: 'unchanged', table }
    await transact((tx) => record(tx, actor, { endpoint, plan, gradual })).catch(
      async (error: unknown) => {
        await plane.discard(endpoint.name)
        throw error
      },
    )
    return { outcome: plan.gradual === null ? 'rolled-out' : 'begun', table }
  }
}

/** What was given up is tried again only when a person asks for it. */
async function isGivenUp<Tx>(
  { read, gradual }: { read: ServingReads; gradual: Gradual<Tx> },
  { name }: Endpoint,
  { live, divided }: Wanted,
): Promise<boolean> {
  const number = divided === undefined ? await gradual.givenUp(name) : undefined
  const revision = number === undefined ? undefined : await read.findRevision(name, number)
  return revision !== undefined && isOf(revision, live)
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
  const divided = await dividedModels(models, endpoint)
  return { live, shadows: [...shadows.values()], ...(divided === undefined ? {} : { divided }) }
}

/** What traffic is divided among; a URI that means no version yet is passed over. */
async function dividedModels(
  models: ModelSource,
  { delivery }: Endpoint,
): Promise<Wanted['divided']> {
  const divided = new Map<string, { servable: ServableModel; weight: number }>()
  for (const [uri, weight] of Object.entries(delivery?.traffic ?? {})) {
    const servable = await models.resolve(uri)
    if (servable === undefined) continue
    const name = versionName(servable)
    divided.set(name, { servable, weight: weight + (divided.get(name)?.weight ?? 0) })
  }
  const all = [...divided.values()]
  return all.some(({ weight }) => weight > 0) ? all : undefined
}

async function record<Tx extends ServingTx>(
  tx: Tx,
  actor: Actor,
  parts: { endpoint: Endpoint; plan: RollOutPlan; gradual: Gradual<Tx> },
): Promise<void> {
  const { endpoint, plan, gradual } = parts
  const { serving, ledger } = tx
  const { live, answering, shadows, created } = plan
  await serving.addRevisions(created)
  await serving.saveServing(endpoint.name, {
    live: live.revision.number,
    shadowing: shadows.map(({ revision }) => revision.number),
    failure: null,
  })
  const weights = answering.map(({ revision, weight }) => ({ revision: revision.number, weight }))
  await serving.saveAnswering(endpoint.name, { live: live.revision.number, weights })
  const happened: Fact[] = created.map(facts.revisionCreated)
  if (created.includes(live.revision))
    happened.push(facts.rolloutCompleted(live.revision, endpoint.live))
  const isMoved = !sameRevisions(weights, endpoint)
  if (isMoved && weights.length > 1 && plan.gradual === null)
    happened.push(facts.trafficDivided({ endpoint: endpoint.name, weights }))
  await ledger.append(actor, happened)
  if (isMoved) await gradual.supersede(tx, actor, endpoint.name)
  if (plan.gradual === null) return
  const [from, to] = [live.revision.number, plan.gradual.revision.number]
  await gradual.begin(tx, actor, { endpoint, from, to })
}

function sameRevisions(
  weights: readonly RevisionWeight[],
  { answering }: Pick<Endpoint, 'answering'>,
): boolean {
  return (
    weights.length === answering.length &&
    answering.every(({ revision }, at) => revision.number === weights[at]?.revision)
  )
}

async function recordFailure(
  { serving, ledger }: ServingTx,
  actor: Actor,
  { endpoint, plan, reason }: { endpoint: Endpoint; plan: RollOutPlan; reason: string },
): Promise<void> {
  const told = reason.slice(0, 2000)
  await serving.saveServing(endpoint.name, {
    live: endpoint.live?.number ?? null,
    shadowing: endpoint.shadowing.map(({ number }) => number),
    failure: told,
  })
  const modelVersion = versionName((plan.gradual ?? plan.live).revision)
  await ledger.append(actor, [
    facts.rolloutFailed({ endpoint: endpoint.name, modelVersion, reason: told }),
  ])
}

/** What a plan has to know: what is known of the revisions that answer, and how far a move has come. */
async function situationOf<Tx extends ServingTx>(
  parts: { read: ServingReads; models: ModelSource; gradual: Gradual<Tx>; clock: Clock },
  { name, answering }: Endpoint,
): Promise<Situation> {
  const { read, models, gradual, clock } = parts
  const [newest] = await read.revisions(name, { limit: 1 })
  const servables = new Map<number, ServableModel>()
  for (const { revision } of answering)
    servables.set(revision.number, await models.get(revision.model, revision.version))
  return {
    newestNumber: newest?.number ?? 0,
    nowMs: clock.nowMs(),
    known: (revision) => servables.get(revision.number) as ServableModel,
    underWay: await gradual.underWay(name),
  }
}
