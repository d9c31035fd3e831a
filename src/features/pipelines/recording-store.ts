import type { PipelineRun, StageRun } from './recording.ts'

export interface PipelineReads {
  find(id: string): Promise<PipelineRun | undefined>
  /** Newest first. */
  list(page: { limit: number; before?: string; project?: string }): Promise<PipelineRun[]>
  stages(pipelineRun: string): Promise<StageRun[]>
  /** The stage whose MLflow run this is. */
  stageOf(run: string): Promise<StageRun | undefined>
  /** Runs that a policy run caused, oldest first. */
  ofCause(cause: string): Promise<PipelineRun[]>
}

export interface PipelineWrites extends PipelineReads {
  save(run: PipelineRun): Promise<void>
  saveStage(stage: StageRun): Promise<void>
}
