import type { RunRequest } from './request.ts'

/** What runs a pipeline in the server's own clone. */
export interface RunPipeline {
  run(turn: RunTurn): Promise<RunResult>
  /** Takes away what a request that is over has left. */
  clear(request: RunRequest): Promise<void>
}

export interface RunTurn {
  readonly request: RunRequest
  /** The id that the recording of this turn has. */
  readonly pipelineRun: string
  readonly signal: AbortSignal
  /** Keeps the commit that is run, and the branch that it is of. */
  noteCommit(at: { commit: string; branch: string | null }): Promise<void>
  /** Keeps that a stage waits for somebody's approval. */
  askApproval(need: ApprovalNeed): Promise<void>
}

/** `waiting`: all that could be done without the approvals that were asked for is done. */
export type RunResult =
  | { readonly outcome: 'succeeded'; readonly lockBranch: string | null }
  | { readonly outcome: 'failed'; readonly reason: string }
  | { readonly outcome: 'waiting' }

/** Of a stage that has to be agreed to, told when all that it needs is done. */
export interface ApprovalNeed {
  readonly stage: string
  readonly message: string | null
  readonly timeoutMs: number | null
}
