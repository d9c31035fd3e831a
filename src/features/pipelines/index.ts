export {
  type DataVersion,
  type PipelineRun,
  type PipelineState,
  type StageEnd,
  type StageRun,
  type StageStart,
} from './recording.ts'
export { createRecordings, type PipelineStart, type Recordings } from './recordings.ts'
export type { PipelineReads, PipelineWrites } from './recording-store.ts'
