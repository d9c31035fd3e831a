export { traceReads } from './reads.ts'
export { traceWrites } from './writes.ts'
