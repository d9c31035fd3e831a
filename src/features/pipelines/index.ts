export {
  type DataVersion,
  type PipelineRun,
  type PipelineState,
  type StageEnd,
  type StageRun,
  type StageStart,
  type TestCounts,
} from './recording.ts'
export { createRecordings, type PipelineStart, type Recordings } from './recordings.ts'
export type { PipelineReads, PipelineWrites } from './recording-store.ts'
export { checkedOrder, type ChosenData, type Lane, type RunOrder } from './order.ts'
export {
  isOver,
  type Approval,
  type Decision,
  type RequestState,
  type RunRequest,
} from './request.ts'
export type { RequestPage, RequestReads, RequestWrites } from './request-store.ts'
export type { RequestTx } from './admission.ts'
export { createRequests, type Requests } from './requests.ts'
export type { ApprovalNeed, RunPipeline, RunResult, RunTurn } from './turn.ts'
export type { LogPage, LogPlace, StageLogs } from './stage-log.ts'
