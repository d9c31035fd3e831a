import { join } from 'node:path'
import { randomIds } from '#base/ids'
import type { Actor, Fact } from '#ledger'
import { openSqlStore } from '#stores/sql/index'
import {
  alertTold,
  datasetAdded,
  DAY_MS,
  digestOf,
  endpointDeclared,
  found,
  idOf,
  pipelineFinished,
  pipelineStarted,
  POLICY,
  policyFired,
  policyRunFinished,
  projectTold,
  promotionDecided,
  promotionRequested,
  rolledOut,
  segmentSealed,
  SERVER,
  stageFinished,
  stageStarted,
  USER,
  versionRegistered,
  windowEvaluated,
  type Finding,
  type ToldPromotion,
} from './story-facts.ts'

/** Facts that one part of the platform writes together. */
export interface Moment {
  readonly actor: Actor
  readonly facts: readonly Fact[]
}

const STORY_MS = 6 * 60_000

/**
 * Writes the ledger of a year of flights into a home that no server has open: what the loop tells of its
 * life, without living it. `months` cuts the year short; the last fact is written at `endMs`.
 */
export async function writeStory(
  home: string,
  { endMs = Date.now(), months = 10 }: { endMs?: number; months?: number } = {},
): Promise<{ entries: number }> {
  const moments = storyOfFlights(months)
  let nowMs = endMs - STORY_MS
  const clock = { nowMs: () => Math.round(nowMs) }
  const store = await openSqlStore(join(home, 'orrery.db'), { clock, ids: randomIds })
  await store.transact(async ({ ledger }) => {
    for (const { actor, facts } of moments) {
      nowMs += STORY_MS / moments.length
      await ledger.append(actor, await namingTheirCause(facts, () => ledger.size()))
    }
  })
  const entries = await store.read.ledger.size()
  await store.close()
  return { entries }
}

/** A policy fires on the finding told right before it; where that lies is only known while writing. */
async function namingTheirCause(
  facts: readonly Fact[],
  size: () => Promise<number>,
): Promise<Fact[]> {
  const next = await size()
  return facts.map((fact) =>
    fact.type === 'policy-fired' ? { ...fact, data: { ...fact.data, cause: next - 1 } } : fact,
  )
}

/** Every moment of the year, in order. The same each time: its chance comes from a seed. */
export function storyOfFlights(months = 10): Moment[] {
  const teller = createTeller()
  return [...opening(teller), ...year(teller, months)]
}

interface Teller {
  champion: number
  versions: number
  revisions: number
  readonly random: () => number
}

function createTeller(): Teller {
  let seed = 20_130_301
  const random = () => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0
    return seed / 2 ** 32
  }
  return { champion: 1, versions: 0, revisions: 0, random }
}

function opening(teller: Teller): Moment[] {
  return [
    { actor: USER, facts: [projectTold('project-added', 2), datasetAdded(2)] },
    ...training(teller, { actor: USER, month: 2, cause: null }).moments,
    ...promoting(teller, {
      version: 1,
      replaced: null,
      accepted: true,
      policyRun: null,
      eventMs: null,
    }),
    { actor: USER, facts: [endpointDeclared()] },
    { actor: SERVER, facts: rolledOut(++teller.revisions, 1, null) },
  ]
}

/** The retrainings that the year holds: on which day, why, and what became of the candidate. */
const RETRAININGS: Readonly<Record<string, { cause: Finding; better: boolean }>> = {
  '2013-03-12': { cause: 'drift', better: true },
  '2013-04-18': { cause: 'drift', better: true },
  '2013-05-24': { cause: 'performance', better: false },
  '2013-06-21': { cause: 'drift', better: true },
  '2013-08-02': { cause: 'drift', better: true },
  '2013-09-15': { cause: 'performance', better: false },
  '2013-10-27': { cause: 'drift', better: true },
  '2013-12-09': { cause: 'performance', better: false },
}
const ALERT_DAYS = 9

function year(teller: Teller, months: number): Moment[] {
  const moments: Moment[] = []
  const endMs = Date.UTC(2013, 2 + months, 1)
  let sinceTraining = 0
  let open: { kind: Finding; raisedMs: number; drifted: number } | undefined
  for (let startMs = Date.UTC(2013, 2, 1); startMs < endMs; startMs += DAY_MS) {
    const drifted = driftedOn(teller, sinceTraining)
    moments.push(...windowMoments(teller, { startMs, drifted, sinceTraining }))
    sinceTraining += 1
    const retraining = RETRAININGS[new Date(startMs).toISOString().slice(0, 10)]
    if (retraining !== undefined) {
      const alert = { kind: retraining.cause, raisedMs: startMs, drifted }
      // A candidate that was refused clears nothing.
      if (retraining.better) open = alert
      moments.push({
        actor: SERVER,
        facts: [
          alertTold('alert-raised', { ...alert, startMs }),
          found(retraining.cause, startMs, drifted),
        ],
      })
      moments.push(...retrained(teller, { startMs, ...retraining }))
      if (retraining.better) sinceTraining = 0
    }
    if (open !== undefined && startMs === open.raisedMs + ALERT_DAYS * DAY_MS) {
      moments.push({ actor: SERVER, facts: [alertTold('alert-cleared', { ...open, startMs })] })
      open = undefined
    }
    const next = new Date(startMs + DAY_MS)
    if (next.getUTCDate() === 1) moments.push(...newMonth(next.getUTCMonth() || 12))
  }
  return moments
}

/** How many of the features have drifted: more with each day since the training, and a little by chance. */
function driftedOn({ random }: Teller, sinceTraining: number): number {
  const share = 0.04 + sinceTraining * 0.006 + (random() - 0.5) * 0.14
  return Math.round(Math.min(0.6, Math.max(0, share)) * 13)
}

function windowMoments(
  { random, champion }: Teller,
  told: { startMs: number; drifted: number; sinceTraining: number },
): Moment[] {
  const { startMs, drifted, sinceTraining } = told
  const predictions = Math.round(930 + (random() - 0.5) * 160)
  const window = {
    startMs,
    version: champion,
    predictions,
    labels: Math.round(predictions * (0.965 + random() * 0.025)),
    drifted,
    auc: 0.706 - sinceTraining * 0.0006 + (random() - 0.5) * 0.04,
    half: 0.021 + random() * 0.009,
  }
  return (['provisional', 'settled'] as const).map((state) => ({
    actor: SERVER,
    facts: [windowEvaluated(window, state)],
  }))
}

function retrained(
  teller: Teller,
  { startMs, cause, better }: { startMs: number; cause: Finding; better: boolean },
): Moment[] {
  const policyRun = idOf(`policy run ${startMs}`)
  const month = new Date(startMs).getUTCMonth()
  const { version, pipelineRun, moments } = training(teller, {
    actor: POLICY,
    month,
    cause: policyRun,
  })
  const before = teller.champion
  if (better) teller.champion = version
  return [
    { actor: POLICY, facts: [policyFired(policyRun, { cause, startMs })] },
    ...moments,
    ...promoting(teller, {
      version,
      replaced: before,
      accepted: better,
      policyRun,
      eventMs: startMs + DAY_MS,
    }),
    { actor: POLICY, facts: [policyRunFinished(policyRun, { version, pipelineRun, startMs })] },
    ...(better
      ? [{ actor: SERVER, facts: rolledOut(++teller.revisions, version, teller.revisions - 1) }]
      : []),
  ]
}

function training(
  teller: Teller,
  { actor, month, cause }: { actor: Actor; month: number; cause: string | null },
): { version: number; pipelineRun: string; moments: Moment[] } {
  const version = ++teller.versions
  const pipelineRun = idOf(`pipeline run ${version}`)
  const metrics: Readonly<Record<string, Record<string, number>>> = {
    prepare: { rows: 50_000 + month * 27_000 },
    train: { roc_auc: 0.79 + teller.random() * 0.03 },
    evaluate: { roc_auc: 0.695 + teller.random() * 0.02, log_loss: 0.48 },
  }
  const stages = Object.entries(metrics).flatMap(([name, measured]) => {
    const run = digestOf(`${pipelineRun} ${name}`).slice(0, 32)
    const stage = { pipelineRun, name, run, metrics: measured }
    const registered = name === 'train' ? [versionRegistered(version, run)] : []
    return [
      { actor, facts: [stageStarted(stage)] },
      { actor, facts: registered.concat(stageFinished(stage)) },
    ]
  })
  const moments = [
    { actor, facts: [pipelineStarted({ id: pipelineRun, month, cause })] },
    ...stages,
    { actor, facts: [pipelineFinished(pipelineRun)] },
  ]
  return { version, pipelineRun, moments }
}

function promoting(
  { random }: Teller,
  asked: Omit<ToldPromotion, 'champion' | 'gain' | 'confidence'>,
): Moment[] {
  const { accepted } = asked
  const told = {
    ...asked,
    champion: 0.664 + random() * 0.012,
    gain: accepted ? 0.012 + random() * 0.01 : -0.001 + random() * 0.004,
    confidence: accepted ? 0.97 + random() * 0.029 : 0.55 + random() * 0.2,
  }
  const actor = asked.policyRun === null ? USER : POLICY
  return [
    { actor, facts: [promotionRequested(told)] },
    { actor, facts: promotionDecided(told) },
  ]
}

function newMonth(month: number): Moment[] {
  return [
    { actor: USER, facts: [projectTold('project-synced', month), datasetAdded(month)] },
    { actor: SERVER, facts: [segmentSealed(month)] },
  ]
}
