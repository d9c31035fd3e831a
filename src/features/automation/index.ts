export { firePolicies, policyRunHandler, type Acts, type HasRunWith } from './automation.ts'
export { FINDING_TYPES, type Finding, type PolicyRun } from './policy-run.ts'
export type { PolicyRunReads, PolicyRunWrites } from './store.ts'
