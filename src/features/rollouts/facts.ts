import type { Json } from '#base/json'
import type { Fact } from '#ledger'
import type { Arm } from './bandit.ts'
import { loudest, numbersOf } from './numbers.ts'
import { sharesOf, type Rollout } from './rollout.ts'

export function rolloutStarted(rollout: Rollout): Fact {
  const { steps, everyMs, minSamples, guards, alpha, rollback } = rollout.plan
  return {
    type: 'rollout-started',
    data: {
      ...named(rollout),
      share: sharesOf(rollout).fresh,
      steps,
      everyMs,
      minSamples,
      guards: guards.map(plain),
      alpha,
      rollback,
    },
  }
}

const TYPES = {
  stepped: 'rollout-stepped',
  completed: 'rollout-completed',
  'rolled-back': 'rollout-rolled-back',
  objected: 'rollout-objected',
  pause: 'rollout-paused',
  resume: 'rollout-resumed',
  abort: 'rollout-aborted',
  finish: 'rollout-completed',
  undo: 'rollout-undone',
  superseded: 'rollout-superseded',
} as const

/** The version that an endpoint stands for after a decision, and the one that was given up by it. */
interface Versions {
  readonly modelVersion?: string
  readonly givenUp?: string
}

/** A decision about a rollout, by its guards or by a person, with the numbers it stands on. */
export function rolloutDecided(
  rollout: Rollout,
  decision: keyof typeof TYPES,
  versions: Versions = {},
): Fact {
  const numbers = numbersOf(rollout)
  const objects = decision === 'rolled-back' || decision === 'objected'
  return {
    type: TYPES[decision],
    data: {
      ...named(rollout),
      ...versions,
      revision: rollout.to,
      share: sharesOf(rollout).fresh,
      step: rollout.step + 1,
      reason: rollout.reason,
      ...(objects ? { guard: loudest(numbers)?.guard ?? null } : {}),
      numbers: plain(numbers),
    },
  }
}

/** As a fact holds it: JSON, and nothing of what goes on. */
function plain(value: object): Json {
  return JSON.parse(JSON.stringify(value)) as Json
}

function named({ id, endpoint, from, to }: Rollout) {
  return { endpoint, rollout: id, from, to }
}

/** Traffic was divided by what the revisions have earned. */
export function experimentWeighed(weighed: {
  endpoint: string
  by: string
  weights: readonly { revision: number; weight: number }[]
  arms: readonly Arm[]
}): Fact {
  const { endpoint, by, weights, arms } = weighed
  return {
    type: 'experiment-weighed',
    data: {
      endpoint,
      by,
      weights: plain(weights),
      earned: arms.map(({ revision, rewards, sum }) => ({
        revision,
        rewards,
        mean: rewards === 0 ? null : Number((sum / rewards).toPrecision(6)),
      })),
    },
  }
}
