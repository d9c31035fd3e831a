import type { Clock } from '#base/clock'
import type { Logger } from '#base/logger'
import { messageOf, Problem } from '#base/problem'
import { platformActor, type LedgerWrites, type Transact } from '#ledger'
import { durationMs, type ExperimentConfig } from '#projects'
import type { Endpoint, RewardQueries, Serving, ServingReads, ServingWrites } from '#serving'
import { banditWeights, chancesOfBest, isWorthAChange, type Arm, type ArmWeight } from './bandit.ts'
import { experimentWeighed } from './facts.ts'

interface Tx {
  readonly serving: ServingWrites
  readonly ledger: LedgerWrites
}

/** What the revisions of an experiment have earned so far. */
export interface Standing {
  readonly plan: ExperimentConfig
  /** Rewards of predictions since then count: from there on all revisions had a chance. */
  readonly sinceMs: number
  readonly arms: readonly (Arm & {
    readonly modelVersion: string
    /** Its share of the traffic, of all together 1. */
    readonly share: number
    readonly mean: number | null
    /** How probable it is that it earns most; `null` while too few rewards are told. */
    readonly best: number | null
  })[]
}

export interface Experiments {
  /** Weighs those whose time it is. */
  look(): Promise<void>
  /** How the experiment of an endpoint stands; `null` without one. Throws `not-found`. */
  standing(endpoint: string): Promise<Standing | null>
}

const EXPERIMENTS = platformActor('experiments')

/** Divides the traffic of endpoints with an experiment by what their revisions have earned. */
export function createExperiments<Wide extends Tx>(dependencies: {
  read: ServingReads
  transact: Transact<Wide>
  divide: Serving['divide']
  rewards: RewardQueries['rewards']
  clock: Clock
  logger: Logger
}): Experiments {
  const { read, rewards, clock, logger } = dependencies
  const lookedMs = new Map<string, number>()
  return {
    look: async () => {
      const nowMs = clock.nowMs()
      for (const endpoint of await read.list()) {
        const { name, answering, delivery } = endpoint
        const experiment = delivery?.experiment
        if (experiment == null || answering.length < 2) continue
        if (nowMs - (lookedMs.get(name) ?? -Infinity) < durationMs(experiment.every)) continue
        lookedMs.set(name, nowMs)
        try {
          const told = await rewards(name, { sinceMs: sinceMsOf(endpoint) })
          await weigh(dependencies, endpoint, experiment, armsOf(endpoint, told))
        } catch (error) {
          logger.error({ endpoint: name, error: messageOf(error) }, 'an experiment was not weighed')
        }
      }
    },
    standing: async (name) => {
      const endpoint = await read.find(name)
      if (endpoint === undefined) throw new Problem('not-found', `there is no endpoint ${name}`)
      const plan = endpoint.delivery?.experiment
      if (plan == null || endpoint.answering.length === 0) return null
      const sinceMs = sinceMsOf(endpoint)
      const arms = armsOf(endpoint, await rewards(name, { sinceMs }))
      return { plan, sinceMs, arms: shownArms(endpoint, plan, arms) }
    },
  }
}

/** All had the same chance only since the youngest of them has been there. */
function sinceMsOf({ answering }: Endpoint): number {
  return Math.max(...answering.map(({ revision }) => revision.createdMs))
}

function shownArms(
  { answering }: Endpoint,
  { reward }: ExperimentConfig,
  arms: readonly Arm[],
): Standing['arms'] {
  const total = answering.reduce((sum, { weight }) => sum + weight, 0)
  const chances = chancesOfBest(arms, reward)
  return answering.map(({ revision: { model, version }, weight }, at) => {
    const arm = arms[at] as Arm
    return {
      ...arm,
      modelVersion: `${model}/${version}`,
      share: total === 0 ? 0 : weight / total,
      mean: arm.rewards === 0 ? null : arm.sum / arm.rewards,
      best: chances?.[at] ?? null,
    }
  })
}

function armsOf(
  { answering }: Endpoint,
  told: Awaited<ReturnType<RewardQueries['rewards']>>,
): Arm[] {
  return answering.map(({ revision: { number } }) => {
    const earned = told.find(({ revision }) => revision === number)
    const { count = 0, sum = 0, sumOfSquares = 0 } = earned ?? {}
    return { revision: number, rewards: count, sum, squares: sumOfSquares }
  })
}

async function weigh<Wide extends Tx>(
  { transact, divide }: { transact: Transact<Wide>; divide: Serving['divide'] },
  { name, live, answering }: Endpoint,
  { by, epsilon, reward, threshold }: ExperimentConfig,
  arms: readonly Arm[],
): Promise<void> {
  const total = answering.reduce((sum, { weight }) => sum + weight, 0)
  const before: ArmWeight[] = answering.map(({ revision, weight }) => ({
    revision: revision.number,
    weight: weight / total,
  }))
  const after = banditWeights(arms, { by, epsilon, reward })
  if (live === null || !isWorthAChange(before, after, threshold)) return
  const weights = after.map(({ revision, weight }) => ({
    revision,
    weight: Math.round(weight * 1e4) / 100,
  }))
  const next = { live: live.number, weights }
  await divide(name, next, () =>
    transact(async ({ serving, ledger }) => {
      await serving.saveAnswering(name, next)
      await ledger.append(EXPERIMENTS, [experimentWeighed({ endpoint: name, by, weights, arms })])
    }),
  )
}
