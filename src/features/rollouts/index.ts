export {
  banditWeights,
  isWorthAChange,
  type Arm,
  type ArmWeight,
  type BanditPlan,
} from './bandit.ts'
export { batchOf, judged, type Batch, type Evidence } from './evidence.ts'
export type { Guard, RolloutPlan } from './guards.ts'
export { numbersOf, type Numbers } from './numbers.ts'
export {
  decided,
  isOpen,
  looked,
  newRollout,
  ordered,
  ORDERS,
  sharesOf,
  type Order,
  type Rollout,
  type RolloutState,
} from './rollout.ts'
export type { RolloutReads, RolloutWrites } from './store.ts'
