export { printProposal, withNewColumns } from './print.ts'
export { readContract } from './read.ts'
export type { ContractProblem } from './yaml.ts'
