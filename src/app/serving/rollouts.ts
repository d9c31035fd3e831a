import { messageOf } from '#base/problem'
import type { Pulse } from '#inference'
import { createExperiments, createRollouts, type Experiments, type Rollouts } from '#rollouts'
import type { PredictionQueries, RewardQueries, Serving } from '#serving'
import type { Writes } from '#stores/sql/index'
import type { Ground } from '../ground.ts'

const LOOK_MS = 1000

/** While the database is away what was seen waits; this many seconds of it, and then the oldest is forgotten. */
const PULSES_MAX = 600

/** Moves of traffic, and what looks at them every second and whenever the plane tells something. */
export function rolloutsOf(
  { store, clock, ids, logger, replicas, onStop }: Ground,
  /** Serving is made from these. */
  { serving, rewards }: { serving: () => Serving; rewards: RewardQueries['rewards'] },
): {
  rollouts: Rollouts<Writes>
  experiments: Experiments
  onPulse: (pulses: readonly Pulse[]) => void
} {
  const divide: Serving['divide'] = (name, next, commit) => serving().divide(name, next, commit)
  const { read, transact } = store
  const window: PredictionQueries['window'] = (endpoint, query) =>
    serving().predictions.window(endpoint, query)
  const rollouts = createRollouts({ read, transact, divide, window, clock, ids, logger })
  const experiments = createExperiments({
    read: read.serving,
    transact,
    divide,
    rewards,
    clock,
    logger,
  })
  let waiting: Pulse[] = []
  let looking: Promise<void> | undefined
  let stopped = false
  const look = () => {
    if (looking !== undefined || stopped || !replicas.leads()) return
    const seen = waiting
    waiting = []
    looking = rollouts
      .look(seen)
      .then(() => experiments.look())
      .catch((error: unknown) => {
        waiting = [...seen, ...waiting].slice(-PULSES_MAX)
        logger.error({ error: messageOf(error) }, 'could not look at rollouts; will look again')
      })
      .finally(() => {
        looking = undefined
      })
  }
  const timer = setInterval(look, LOOK_MS)
  onStop(async () => {
    stopped = true
    clearInterval(timer)
    await looking
  })
  return {
    rollouts,
    experiments,
    onPulse: (pulses) => {
      waiting = [...waiting, ...pulses].slice(-PULSES_MAX)
      look()
    },
  }
}
