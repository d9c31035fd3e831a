export { createExperiments, type Experiments, type Standing } from './experiments.ts'
export type { Guard } from './guards.ts'
export { numbersOf, type Numbers } from './numbers.ts'
export {
  looked,
  newRollout,
  ORDERS,
  sharesOf,
  type Order,
  type Rollout,
  type RolloutState,
} from './rollout.ts'
export { createRollouts, type Rollouts } from './rollouts.ts'
export type { RolloutReads, RolloutWrites } from './store.ts'
