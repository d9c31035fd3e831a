export { CLASSIFIED_MAX, judgeTogether, thinned, type TogetherVerdict } from './judge.ts'
export { learnStructure, type Structure, type TimedRow } from './structure.ts'
export { wholeReport, type TextReport, type WholeReport } from './whole.ts'
export type { WholeRow } from './columns.ts'
