export { CLASSIFIED_MAX, judgeTogether, thinned, type TogetherVerdict } from './judge.ts'
export { learnStructure, type Structure, type TimedRow } from './structure.ts'
export type { WholeRow } from './columns.ts'
