import type { Clock } from '#base/clock'
import type { Ids } from '#base/ids'
import { Problem } from '#base/problem'
import type { Actor, LedgerWrites, Ref } from '#ledger'
import { durationMs, type CheckConfig, type ProjectConfig, type ReplayCheckConfig } from '#projects'
import type { NewJob, WorkWrites } from '#work'
import {
  betterThanCheck,
  measuredCheck,
  metricCheck,
  replayCheck,
  signatureCheck,
  type Comparison,
  type Disagreement,
  type MeasuredMetric,
} from './checks.ts'
import {
  decide,
  promotionDecided,
  promotionRequested,
  type CheckResult,
  type Promotion,
} from './promotion.ts'
import type { PromotionReads, PromotionWrites } from './store.ts'

/** What a candidate is judged by; the registry, tracking, serving and monitoring give it. */
export interface Evidence {
  /** The version that an alias names. Throws `not-found` for an unknown model. */
  current(model: string, alias: string): Promise<number | undefined>
  /** Why the version cannot be loaded by an endpoint that would serve it; undefined when it can, or when none would. */
  fault(model: string, version: number): Promise<string | undefined>
  /** Throws `not-found`. */
  hasSignature(model: string, version: number): Promise<boolean>
  /** The newest value of a metric among the runs of the pipeline that made the version. */
  metric(model: string, version: number, name: string): Promise<number | undefined>
  /** The same, of what the version answers to labelled predictions that it was not trained on. */
  measured(model: string, version: number, name: string): Promise<MeasuredMetric>
  /** Both versions on logged, labelled predictions that neither was trained on. */
  compared(of: {
    model: string
    candidate: number
    champion: number
    metric: string
    by: number
  }): Promise<Comparison>
  /** Runs a version over what an endpoint was asked; the same name is the same run. Throws `not-found`. */
  disagreement(request: {
    id: string
    model: string
    version: number
    endpoint: string
    agoMs: number
    limit: number
    tolerance: number
  }): Promise<Disagreement>
}

/** What one transaction of a promotion can change; the alias is the registry's and moves in the same one. */
export interface PromotionTx {
  readonly governance: PromotionWrites
  readonly work: WorkWrites
  readonly ledger: LedgerWrites
}

export interface PromotionRequest {
  readonly model: string
  readonly version: number
  readonly alias: string
  readonly cause?: Ref
  readonly eventMs?: number
  /** Who sees to the decision: a job of its own, unless the caller goes on to `decide` itself. */
  readonly decidedBy?: 'job' | 'caller'
  /** Names the request, so that asking twice is asking once. */
  readonly id?: string
}

export interface Governance {
  /** Asks for an alias to be moved; the checks run as a job. Throws `not-found` for an unknown version. */
  request(actor: Actor, request: PromotionRequest): Promise<Promotion>
  /** Runs the checks and decides, moving the alias in the same transaction. A decided promotion stays as it is. */
  decide(id: string): Promise<Promotion>
  /** Refuses an undecided promotion whose checks could not be run. */
  refuse(id: string, reason: string): Promise<void>
  /** Throws `not-found`. */
  get(id: string): Promise<Promotion>
  list(page: { limit: number; before?: string; model?: string }): Promise<Promotion[]>
  /** Throws `conflict` when the alias is protected: such an alias moves only through a promotion. */
  checkMove(model: string, alias: string): Promise<void>
}

export const DECIDE_PROMOTION = 'decide-promotion'

interface Dependencies<Tx> {
  read: PromotionReads
  transact: <T>(work: (tx: Tx) => Promise<T>) => Promise<T>
  evidence: Evidence
  configs: () => Promise<ProjectConfig[]>
  moveAlias: (
    tx: Tx,
    move: {
      model: string
      alias: string
      version: number
      promotion: string
      actor: Actor
      eventMs: number | null
    },
  ) => Promise<void>
  clock: Clock
  ids: Ids
}

export function createGovernance<Tx extends PromotionTx>(
  dependencies: Dependencies<Tx>,
): Governance {
  const { read, transact, evidence, configs, clock, ids } = dependencies
  const settle = settlement(dependencies)

  const get = async (id: string) => {
    const promotion = await read.find(id)
    if (promotion === undefined) throw new Problem('not-found', `there is no promotion ${id}`)
    return promotion
  }

  const modelConfig = async (model: string) =>
    (await configs()).map(({ models }) => own(models, model)).find((each) => each !== undefined)

  return {
    get,
    list: (page) => read.list(page),
    request: async (actor, request) => {
      // Asks early whether the version exists, so that nothing is written for a slip of the pen.
      await evidence.hasSignature(request.model, request.version)
      const replaced = (await evidence.current(request.model, request.alias)) ?? null
      const id = request.id ?? ids.ulid()
      return transact(async (tx) => {
        const known = await tx.governance.find(id)
        if (known !== undefined) return known
        const promotion: Promotion = {
          id,
          model: request.model,
          version: request.version,
          alias: request.alias,
          replaced,
          requestedBy: actor,
          cause: request.cause ?? null,
          eventMs: request.eventMs ?? null,
          createdMs: clock.nowMs(),
          outcome: { state: 'checking' },
        }
        await tx.governance.save(promotion)
        await tx.ledger.append(actor, [promotionRequested(promotion)])
        if (request.decidedBy !== 'caller') await tx.work.enqueue([decisionJob(id)])
        return promotion
      })
    },
    decide: async (id) => {
      const promotion = await get(id)
      if (promotion.outcome.state !== 'checking') return promotion
      const fault = await evidence.fault(promotion.model, promotion.version)
      // What cannot answer is not compared: as champion it would bar the way to every later one.
      if (fault !== undefined) return settle(promotion, [notLoaded(fault)])
      const checks: CheckResult[] = []
      for (const check of (await modelConfig(promotion.model))?.checks ?? [])
        checks.push(await resultOf(check, promotion, evidence))
      const moved = await evidence.current(promotion.model, promotion.alias)
      if ((moved ?? null) !== promotion.replaced) checks.push(movedMeanwhile(promotion, moved))
      return settle(promotion, checks)
    },
    refuse: async (id, reason) => {
      const promotion = await get(id)
      if (promotion.outcome.state === 'checking') await settle(promotion, [notChecked(reason)])
    },
    checkMove: async (model, alias) => {
      const config = await modelConfig(model)
      if (config !== undefined && own(config.aliases, alias)?.protected === true)
        throw new Problem(
          'conflict',
          `the alias ${alias} of ${model} is protected and moves only through a promotion; run "orrery promote ${model}:VERSION ${alias}"`,
        )
    },
  }
}

async function resultOf(
  check: CheckConfig,
  promotion: Promotion,
  evidence: Evidence,
): Promise<CheckResult> {
  const { model, version } = promotion
  if (check.metric?.on === 'predictions')
    return measuredCheck(check.metric, await evidence.measured(model, version, check.metric.name))
  if (check.metric !== undefined)
    return metricCheck(check.metric, await evidence.metric(model, version, check.metric.name))
  if (check.replay !== undefined) return replayResult(check.replay, promotion, evidence)
  if (check.better_than === undefined)
    return signatureCheck(await evidence.hasSignature(model, version))
  const champion = await evidence.current(model, check.better_than.alias)
  const { metric, by } = check.better_than
  const compared =
    champion === undefined || champion === version
      ? undefined
      : await evidence.compared({ model, candidate: version, champion, metric, by })
  return betterThanCheck(check.better_than, compared)
}

async function replayResult(
  check: ReplayCheckConfig,
  { id, model, version }: Promotion,
  evidence: Evidence,
): Promise<CheckResult> {
  const { endpoint, since, limit, tolerance } = check
  const agoMs = durationMs(since)
  // Decided anew after a crash, it is the same replay; another check is another one.
  const name = `${id}-${endpoint}-${since}-${limit}-${tolerance}`
  const request = { id: name, model, version, endpoint, agoMs, limit, tolerance }
  return replayCheck(check, await evidence.disagreement(request))
}

/** Decides once, moving the alias with the decision. */
function settlement<Tx extends PromotionTx>({ transact, moveAlias, clock }: Dependencies<Tx>) {
  return (promotion: Promotion, checks: readonly CheckResult[]) =>
    transact(async (tx) => {
      const present = await tx.governance.find(promotion.id)
      if (present !== undefined && present.outcome.state !== 'checking') return present
      const outcome = decide(checks, clock.nowMs())
      const decided: Promotion = { ...promotion, outcome }
      await tx.governance.save(decided)
      await tx.ledger.append(promotion.requestedBy, promotionDecided(promotion, outcome))
      if (outcome.state === 'accepted')
        await moveAlias(tx, {
          model: promotion.model,
          alias: promotion.alias,
          version: promotion.version,
          promotion: promotion.id,
          actor: promotion.requestedBy,
          eventMs: promotion.eventMs,
        })
      return decided
    })
}

function decisionJob(id: string): NewJob {
  return { kind: DECIDE_PROMOTION, key: `${DECIDE_PROMOTION}:${id}`, payload: { promotion: id } }
}

function notLoaded(fault: string): CheckResult {
  return {
    check: 'loads',
    passed: false,
    reason: `the model cannot be loaded, so no endpoint could serve it: ${fault}`,
    evidence: {},
  }
}

function notChecked(reason: string): CheckResult {
  return {
    check: 'checks ran',
    passed: false,
    reason: `the checks could not be run: ${reason}`,
    evidence: {},
  }
}

function movedMeanwhile(promotion: Promotion, moved: number | undefined): CheckResult {
  return {
    check: 'alias unmoved',
    passed: false,
    reason: `${promotion.alias} was moved to version ${moved ?? 'none'} while the checks ran; ask again`,
    evidence: { expected: promotion.replaced, found: moved ?? null },
  }
}

/** What a file says under a name; names that every object has, such as "constructor", are not in it by themselves. */
function own<T>(record: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined
}
