export { backoffMs, type Job, type NewJob } from './job.ts'
export { startWorker, type Handler, type Worker } from './worker.ts'
export type { WorkReads, WorkWrites } from './store.ts'
