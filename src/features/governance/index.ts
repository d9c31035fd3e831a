export { type Comparison } from './checks.ts'
export {
  createGovernance,
  DECIDE_PROMOTION,
  type Evidence,
  type Governance,
  type PromotionRequest,
} from './governance.ts'
export { type CheckResult, type Outcome, type Promotion } from './promotion.ts'
export type { PromotionReads, PromotionWrites } from './store.ts'
