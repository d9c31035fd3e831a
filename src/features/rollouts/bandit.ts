/** How an experiment divides traffic among revisions by what they earn. */
export interface BanditPlan {
  /**
   * `thompson`: each revision gets the probability that it is the best one (W. R. Thompson, "On the likelihood that one
   * unknown probability exceeds another", Biometrika 25 (1933); S. L. Scott, "A modern Bayesian look at the multi-armed
   * bandit", Appl. Stoch. Models Bus. Ind. 26 (2010)). `epsilon-greedy`: the best so far gets all but a share that is
   * divided evenly (R. S. Sutton and A. G. Barto, "Reinforcement Learning", 2nd ed. (2018), section 2.2).
   */
  readonly by: 'thompson' | 'epsilon-greedy'
  /** The share that goes on exploring. */
  readonly epsilon: number
  /** `binary`: 0 or 1, with a Beta posterior. `real`: any number, with a Gaussian one. */
  readonly reward: 'binary' | 'real'
}

/** What a revision has earned. */
export interface Arm {
  readonly revision: number
  readonly rewards: number
  readonly sum: number
  readonly squares: number
}

export interface ArmWeight {
  readonly revision: number
  /** Of all together 1. */
  readonly weight: number
}

/** Rewards of each revision before one is preferred to another. */
const REWARDS_MIN = 10

/** The shares that the revisions get next. */
export function banditWeights(arms: readonly Arm[], plan: BanditPlan): ArmWeight[] {
  const even = 1 / arms.length
  if (arms.length < 2 || !areKnown(arms))
    return arms.map(({ revision }) => ({ revision, weight: even }))
  const preferred = plan.by === 'thompson' ? probabilitiesOfBest(arms, plan.reward) : greedy(arms)
  return arms.map(({ revision }, at) => ({
    revision,
    // Whoever gets nothing is never heard of again, though the world may change.
    weight: (1 - plan.epsilon) * (preferred[at] ?? 0) + plan.epsilon * even,
  }))
}

function areKnown(arms: readonly Arm[]): boolean {
  return arms.every(({ rewards }) => rewards >= REWARDS_MIN)
}

/** How probable it is of each that it earns most; undefined while too little is known of one. */
export function chancesOfBest(
  arms: readonly Arm[],
  reward: BanditPlan['reward'],
): number[] | undefined {
  return areKnown(arms) ? probabilitiesOfBest(arms, reward) : undefined
}

function greedy(arms: readonly Arm[]): number[] {
  const means = arms.map(meanOf)
  const best = means.indexOf(Math.max(...means))
  return means.map((_, at) => (at === best ? 1 : 0))
}

/** Points at which the densities are taken: enough for one arm a thousand times as well known as another. */
const POINTS = 16_384

/** How many standard deviations of each arm are looked at. */
const REACH = 8

/** The probability of each arm to be the best: the integral of its density times the others' distributions. */
export function probabilitiesOfBest(arms: readonly Arm[], reward: BanditPlan['reward']): number[] {
  const posteriors = arms.map((arm) => (reward === 'binary' ? betaOf(arm) : gaussianOf(arm)))
  const from = Math.min(...posteriors.map(({ mean, deviation }) => mean - REACH * deviation))
  const to = Math.max(...posteriors.map(({ mean, deviation }) => mean + REACH * deviation))
  const step = (to - from) / POINTS
  const masses = posteriors.map(({ logDensity }) => {
    const logs = Array.from({ length: POINTS }, (_, at) => logDensity(from + (at + 0.5) * step))
    const largest = Math.max(...logs)
    const raw = logs.map((log) => Math.exp(log - largest))
    const total = raw.reduce((sum, mass) => sum + mass, 0)
    return raw.map((mass) => mass / total)
  })
  const below = arms.map(() => 0)
  const best = arms.map(() => 0)
  for (let at = 0; at < POINTS; at++) {
    for (const one of arms.keys()) {
      let probability = masses[one]?.[at] ?? 0
      for (const other of arms.keys())
        if (other !== one) probability *= (below[other] ?? 0) + (masses[other]?.[at] ?? 0) / 2
      best[one] = (best[one] ?? 0) + probability
    }
    for (const one of arms.keys()) below[one] = (below[one] ?? 0) + (masses[one]?.[at] ?? 0)
  }
  const total = best.reduce((sum, each) => sum + each, 0)
  return best.map((each) => each / total)
}

interface Posterior {
  readonly mean: number
  readonly deviation: number
  /** But for a constant. */
  readonly logDensity: (at: number) => number
}

/** Beta, from an even prior. */
function betaOf({ rewards, sum }: Arm): Posterior {
  const wins = 1 + Math.min(rewards, Math.max(0, sum))
  const losses = 2 + rewards - wins
  const all = wins + losses
  return {
    mean: wins / all,
    deviation: Math.sqrt((wins * losses) / (all * all * (all + 1))),
    logDensity: (at) =>
      at <= 0 || at >= 1 ? -Infinity : (wins - 1) * Math.log(at) + (losses - 1) * Math.log1p(-at),
  }
}

/** Of the mean, by the central limit theorem; rewards that were all alike are taken for a little uncertain. */
function gaussianOf(arm: Arm): Posterior {
  const mean = meanOf(arm)
  const variance = Math.max(0, arm.squares / arm.rewards - mean * mean)
  const deviation = Math.max(Math.sqrt(variance / arm.rewards), 1e-9 * Math.max(1, Math.abs(mean)))
  return { mean, deviation, logDensity: (at) => -0.5 * ((at - mean) / deviation) ** 2 }
}

function meanOf({ sum, rewards }: Arm): number {
  return sum / rewards
}

/** Whether new shares are worth a change: one of them moves by more than this. */
export function isWorthAChange(
  before: readonly ArmWeight[],
  after: readonly ArmWeight[],
  threshold: number,
): boolean {
  return after.some(({ revision, weight }) => {
    const old = before.find((each) => each.revision === revision)?.weight ?? 0
    return Math.abs(weight - old) > threshold
  })
}
