export {
  firePolicies,
  policyRunHandler,
  RUN_POLICY,
  type Acts,
  type HasRunWith,
} from './automation.ts'
export {
  FINDING_TYPES,
  firesOn,
  policyRunRef,
  promotionAfter,
  type Finding,
  type PolicyRun,
} from './policy-run.ts'
export type { PolicyRunReads, PolicyRunWrites } from './store.ts'
