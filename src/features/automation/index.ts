export { type Backfill, type BackfillDate } from './backfill.ts'
export {
  createBackfills,
  followBackfills,
  type Backfills,
  type NewBackfill,
  type ShownBackfill,
} from './backfills.ts'
export { awaitedTypes, firePolicies, type AutomationTx, type Surroundings } from './firing.ts'
export { noteGivenUp, noteOutcome, OUTCOME_TYPES } from './outcome.ts'
export { type PolicyRun } from './policy-run.ts'
export { policyRunHandler, type Acts } from './running.ts'
export {
  createPolicies,
  type Policies,
  type Preview,
  type ShownDecision,
  type ShownPolicy,
} from './policies.ts'
export type { AutomationReads, AutomationWrites, Mark, PolicyRunReads } from './store.ts'
export {
  createTriggers,
  noteSynced,
  WATCH_PROJECT,
  type HookCall,
  type Outside,
  type PolicyCall,
  type Triggers,
} from './triggers.ts'
