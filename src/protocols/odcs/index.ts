export { printProposal, withNewColumns } from './print.ts'
export { printContract } from './write.ts'
export { readContract } from './read.ts'
export type { ContractProblem } from './yaml.ts'
